import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import { CreditWindow } from "../../packages/pool/src/credit-window.ts";
import { ItemStream, streamCredits } from "../../packages/pool/src/item-stream.ts";

function fed(count: number) {
  const stream = new ItemStream();
  const granted: number[] = [];
  stream.attach((n) => granted.push(n));
  for (let n = 0; n < count; n += 1) stream.push(n);
  return { stream, granted };
}
/** Bytes of the heap after a full collection. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the items of a streaming call", () => {
  it("arrive in order, also those that were there before the reader, and end", async () => {
    const { stream } = fed(2);
    const read: unknown[] = [];
    const reading = (async () => {
      for (let step = await stream.next(); step.done !== true; step = await stream.next())
        read.push(step.value);
    })();
    await turn();
    stream.push(2);
    stream.end();
    await reading;
    expect(read).toEqual([0, 1, 2]);
  });

  it("G4: hold no more than their credits; a worker that sends more breaks the protocol", () => {
    const { stream } = fed(streamCredits);
    expect(() => stream.push("one too many")).toThrow(
      expect.objectContaining({ code: "ERR_PROTOCOL_VIOLATION" }),
    );
  });

  it("G4: grant credits only for what was read", async () => {
    const { stream, granted } = fed(streamCredits);
    await turn();
    expect(granted).toEqual([]);
    for (let n = 0; n < streamCredits; n += 1) await stream.next();
    expect(granted).toEqual([streamCredits / 2, streamCredits / 2]);
  });

  it("give their error after the last item, to a reader that waits and to one that comes later", async () => {
    const { stream } = fed(1);
    await stream.next();
    const waiting = stream.next();
    stream.end(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    await expect(stream.next()).rejects.toThrow("gone");
  });

  it("G4: do not grow while their reader never quite catches up", async () => {
    const { stream } = fed(1);
    const before = heapInUse();
    for (let n = 0; n < 1_000_000; n += 1) {
      stream.push(n);
      await stream.next();
    }
    // What was read would take 8 MB, a pointer each, if its places were kept.
    expect(heapInUse() - before).toBeLessThan(2_000_000);
    // Used once more, so that it was not collected before it was weighed.
    expect(stream.received).toBe(1_000_001);
  });

  it("refuse a second reader", async () => {
    const { stream } = fed(0);
    void stream.next();
    await expect(stream.next()).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
  });

  it("know how many have arrived", () => {
    expect(fed(3).stream.received).toBe(3);
  });
});

describe("the window of an answer in pieces", () => {
  it("G4: waits when its credits are used up, and goes on with further ones", async () => {
    const window = new CreditWindow(1);
    const taken: boolean[] = [];
    const taking = (async () => {
      for (let n = 0; n < 3; n += 1) taken.push(await window.take());
    })();
    await turn();
    expect(taken).toEqual([true]);
    window.add(2);
    await taking;
    expect(taken).toEqual([true, true, true]);
  });

  it("lets nobody wait for ever once it is closed", async () => {
    const window = new CreditWindow(0);
    const waiting = window.take();
    window.close();
    expect([await waiting, await window.take()]).toEqual([false, false]);
  });
});
