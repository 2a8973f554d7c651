import { describe, expect, it } from "@jest/globals";
import { CallQueue } from "../../packages/pool/src/call-queue.ts";

const drain = <T>(queue: CallQueue<T>): T[] => {
  const items: T[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item);
  return items;
};

describe("the call queue", () => {
  it("keeps its order", () => {
    const queue = new CallQueue<string>(10);
    for (const item of ["a", "b", "c"]) queue.push(item);
    expect(drain(queue)).toEqual(["a", "b", "c"]);
  });

  it("G4: refuses what is beyond its limit, and takes again when there is room", () => {
    const queue = new CallQueue<string>(2);
    expect([queue.push("a"), queue.push("b"), queue.push("c")]).toEqual([true, true, false]);
    queue.shift();
    expect(queue.push("d")).toBe(true);
    expect(drain(queue)).toEqual(["b", "d"]);
  });

  it("lets calls leave from the middle", () => {
    const queue = new CallQueue<string>(3);
    for (const item of ["a", "b", "c"]) queue.push(item);
    queue.delete("b");
    expect(queue.size).toBe(2);
    expect(drain(queue)).toEqual(["a", "c"]);
  });

  it("puts a call that comes back in front, in order, even when it is full", () => {
    const queue = new CallQueue<string>(1);
    queue.push("waiting");
    queue.pushFirst("back 1");
    queue.pushFirst("back 2");
    queue.delete("back 1");
    queue.pushFirst("back 3");
    expect(drain(queue)).toEqual(["back 2", "back 3", "waiting"]);
  });
});
