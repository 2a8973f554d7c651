import { describe, expect, it } from "@jest/globals";
import { decidePoolSize, type PoolSize } from "../../packages/pool/src/pool-size.ts";
import { seededRandom } from "@dspex/core";
import { scaled, testSeed } from "../support/scale.ts";

const limits = { min: 2, max: 8, scaleUpAfterMs: 200, scaleDownAfterMs: 10_000 };
const perWorker = 10;

/** Decides every 100 ms, on the calls of each time. */
function play(loads: readonly number[], size: PoolSize = { wanted: 2 }): number[] {
  return loads.map((calls, step) => {
    size = decidePoolSize(size, { calls, perWorker }, limits, step * 100);
    return size.wanted;
  });
}
const times = (count: number, calls: number): number[] => Array<number>(count).fill(calls);

describe("the size of a pool", () => {
  it("grows once calls have waited for long enough, to what they need", () => {
    expect(play(times(5, 45))).toEqual([2, 2, 5, 5, 5]);
  });

  it("does not grow for a burst that is over soon, nor beyond what it needed all the time", () => {
    expect(play([80, 80, 0, 80, 80])).toEqual([2, 2, 2, 2, 2]);
    expect(play([80, 25, 80])).toEqual([2, 2, 3]);
  });

  it("shrinks after idleness, and not for a pause", () => {
    const idle = play(times(101, 0), { wanted: 6 });
    expect(idle.slice(0, 100)).toEqual(times(100, 6));
    expect(idle[100]).toBe(2);
    const paused = play([...times(90, 0), 55, ...times(90, 0)], { wanted: 6 });
    expect(paused).toEqual(times(181, 6));
  });

  it("shrinks to the most that were of use meanwhile", () => {
    expect(play([...times(50, 0), 28, ...times(50, 0)], { wanted: 6 }).at(-1)).toBe(4);
  });

  it("keeps what it has at the edge of being full", () => {
    expect(play(times(200, 39), { wanted: 4 }).at(-1)).toBe(4);
    expect(play(times(200, 41), { wanted: 4 }).at(-1)).toBe(5);
  });

  it("takes a number of workers that its bounds do not allow into them at once", () => {
    expect(play([0], { wanted: 11 })).toEqual([8]);
    expect(play([0], { wanted: 0 })).toEqual([2]);
  });

  const seed = testSeed();
  it(`never leaves its bounds and does not flap, whatever the load (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const faults: string[] = [];
    for (let run = 0; run < scaled(100); run += 1) {
      let size: PoolSize = { wanted: 2 };
      let calls = 0;
      let nowMs = 0;
      let changedAtMs = -Infinity;
      for (let step = 0; step < 300; step += 1) {
        nowMs += random() * 500;
        if (random() < 0.2) calls = Math.floor(random() ** 3 * 150);
        else calls = Math.max(0, calls + Math.floor((random() - 0.5) * 10));
        const { wanted: before } = size;
        size = decidePoolSize(size, { calls, perWorker }, limits, nowMs);
        const { wanted: after } = size;
        const what = `run ${run}, ${nowMs} ms: ${before} to ${after} with ${calls} calls`;
        if (after < limits.min || after > limits.max) faults.push(`${what}: beyond its bounds`);
        if (after > before && after * perWorker >= calls + perWorker)
          faults.push(`${what}: more than needed`);
        if (after < before && after > limits.min && after * perWorker < calls)
          faults.push(`${what}: too few`);
        if (after < before && nowMs - changedAtMs < limits.scaleDownAfterMs) faults.push(`${what}: flaps`);
        if (after !== before) changedAtMs = nowMs;
      }
    }
    expect(faults).toEqual([]);
  });
});
