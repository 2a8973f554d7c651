import { describe, expect, it } from "@jest/globals";
import { chooseWorker } from "../../packages/pool/src/choose-worker.ts";

const worker = (workerId: string, inFlight: number, capacity = 4) => ({
  workerId,
  place: workerId.charCodeAt(0),
  inFlight,
  capacity,
});
const keys = Array.from({ length: 1_000 }, (_, n) => `session-${n}`);

describe("the choice of a worker", () => {
  it("takes the least loaded one, the first of equals", () => {
    expect(chooseWorker([worker("a", 2), worker("b", 1), worker("c", 1)])?.workerId).toBe("b");
  });

  it("takes none that is full", () => {
    expect(chooseWorker([worker("a", 1, 1), worker("b", 3)])?.workerId).toBe("b");
    expect(chooseWorker([worker("a", 1, 1)], "key")).toBeUndefined();
    expect(chooseWorker([])).toBeUndefined();
  });

  it("takes the least loaded one for a call inside of another one, full or not, but none that leaves", () => {
    const workers = [worker("a", 2, 1), worker("b", 1, 1), worker("c", 0, 0)];
    expect(chooseWorker(workers, undefined, true)?.workerId).toBe("b");
    expect(chooseWorker([worker("c", 0, 0)], "key", true)).toBeUndefined();
  });

  it("gives the calls of one key to one worker while it has room, whatever the others have", () => {
    const workers = [worker("a", 3), worker("b", 0), worker("c", 3)];
    for (const key of keys) {
      const chosen = chooseWorker(workers, key);
      expect(chooseWorker(workers.toReversed(), key)).toBe(chosen);
    }
  });

  it("falls back to the least loaded one when the preferred one is full", () => {
    const key = keys.find(
      (candidate) => chooseWorker([worker("a", 0), worker("b", 0)], candidate)?.workerId === "a",
    )!;
    expect(chooseWorker([worker("a", 4), worker("b", 3), worker("c", 2)], key)?.workerId).toBe("c");
  });

  it("gives the replacement of a worker its keys, and no other", () => {
    const before = keys.map((key) => chooseWorker([worker("a", 0), worker("b", 0)], key)!.workerId);
    const replaced = [worker("b", 0), { ...worker("a", 0), workerId: "new" }];
    const after = keys.map((key) => chooseWorker(replaced, key)!.workerId);
    expect(after).toEqual(before.map((id) => (id === "a" ? "new" : id)));
  });

  it("spreads keys evenly, and moves only those of a worker that is gone", () => {
    const three = [worker("a", 0), worker("b", 0), worker("c", 0)];
    const before = keys.map((key) => chooseWorker(three, key)!.workerId);
    for (const { workerId } of three)
      expect(before.filter((id) => id === workerId).length).toBeGreaterThan(250);
    const after = keys.map((key) => chooseWorker(three.slice(1), key)!.workerId);
    expect(after.filter((id, index) => id !== before[index]).length).toBe(
      before.filter((id) => id === "a").length,
    );
  });
});
