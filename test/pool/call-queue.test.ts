import { describe, expect, it } from "@jest/globals";
import { CallQueue, type QueueLimits, type Waiting } from "../../packages/pool/src/call-queue.ts";

interface Item extends Waiting {
  readonly name: string;
}
const item = (name: string, tenant?: string, priority?: number): Item => ({
  name,
  request: { tenant, priority },
});
const queueOf = (limits: Partial<QueueLimits> = {}) =>
  new CallQueue<Item, string>({ limit: 100, tenantLimit: 100, ...limits });
const drain = (queue: CallQueue<Item, string>): string[] => {
  const names: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) names.push(next.name);
  return names;
};
const placed = (place: ReturnType<CallQueue<Item, string>["push"]>) => {
  if (typeof place === "string") throw new Error(`refused: ${place}`);
  return place;
};

describe("the call queue", () => {
  it("keeps its order", () => {
    const queue = queueOf();
    for (const name of ["a", "b", "c"]) queue.push(item(name));
    expect(drain(queue)).toEqual(["a", "b", "c"]);
  });

  it("G4: refuses what is beyond its limit, and takes again when there is room", () => {
    const queue = queueOf({ limit: 2 });
    expect(typeof queue.push(item("a"))).toBe("object");
    expect(typeof queue.push(item("b"), "w")).toBe("object");
    expect(queue.push(item("c"))).toBe("all");
    queue.shift();
    expect(typeof queue.push(item("d"))).toBe("object");
    expect(queue.size).toBe(2);
  });

  it("G4: gives one tenant no more than its share, wherever its calls wait, so that others find room", () => {
    const queue = queueOf({ limit: 3, tenantLimit: 2 });
    queue.push(item("a1", "a"));
    const bound = placed(queue.push(item("a2", "a"), "w"));
    expect(queue.push(item("a3", "a"))).toBe("tenant");
    expect(typeof queue.push(item("b1", "b"))).toBe("object");
    queue.leave(bound);
    expect(typeof queue.push(item("a3", "a"))).toBe("object");
  });

  it("lets calls leave from the middle, once", () => {
    const queue = queueOf();
    queue.push(item("a"));
    const place = placed(queue.push(item("b")));
    queue.push(item("c"));
    queue.leave(place);
    queue.leave(place);
    expect(queue.size).toBe(2);
    expect(drain(queue)).toEqual(["a", "c"]);
    expect(queue.size).toBe(0);
  });

  it("puts a call that comes back in front, in order, even when it is full", () => {
    const queue = queueOf({ limit: 1 });
    queue.push(item("waiting", undefined, 10));
    const back = queue.pushAgain(item("back 1", "a"));
    queue.pushAgain(item("back 2", "b"));
    queue.leave(back);
    queue.pushAgain(item("back 3", "a"));
    expect(drain(queue)).toEqual(["back 2", "back 3", "waiting"]);
  });

  it("gives higher priorities their turn first", () => {
    const queue = queueOf();
    for (const priority of [0, -10, 10, 0, 5, -1]) queue.push(item(`${priority}`, undefined, priority));
    expect(drain(queue)).toEqual(["10", "5", "0", "0", "-1", "-10"]);
  });

  it("lets tenants take turns: one with a thousand calls waits for its next like one with a single call", () => {
    const queue = queueOf({ limit: 10_000, tenantLimit: 10_000 });
    for (let n = 0; n < 1_000; n += 1) queue.push(item(`a${n}`, "a"));
    queue.push(item("b0", "b"));
    queue.push(item("-0"));
    queue.push(item("b1", "b"));
    expect(drain(queue).slice(0, 6)).toEqual(["a0", "b0", "-0", "a1", "b1", "a2"]);
  });

  it("lets a tenant that comes back in time not jump the others' turns", () => {
    const queue = queueOf();
    for (const name of ["a", "b"]) for (let n = 0; n < 3; n += 1) queue.push(item(`${name}${n}`, name));
    const served: string[] = [];
    for (let n = 0; n < 6; n += 1) {
      served.push(queue.shift()!.name);
      queue.push(item(`c${n}`, "c"));
    }
    expect(served).toEqual(["a0", "b0", "a1", "c0", "b1", "a2"]);
  });

  it("scenario 24: lets what waits for one worker be in nobody's way, and forgets the worker with the last of them", () => {
    const queue = queueOf();
    const bound = placed(queue.push(item("bound"), "w"));
    queue.push(item("free"));
    expect(queue.free.first?.item.name).toBe("free");
    queue.leave(bound);
    expect([...queue.bound.keys()]).toEqual([]);
  });
});
