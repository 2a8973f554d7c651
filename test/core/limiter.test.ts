import { describe, expect, it } from "@jest/globals";
import { nextLimit, type LoadSample } from "@dspex/core";

const bounds = { min: 4, max: 64 };

/** A worker whose calls keep the loop for `cpuMs` and wait for `waitMs`, seen each `elapsedMs` under as many callers as it takes. */
function run(cpuMs: number, waitMs: number, looks: number, start = bounds.max) {
  const elapsedMs = 5_000;
  const limits = [start];
  for (let look = 0; look < looks; look += 1) {
    const limit = limits.at(-1)!;
    const perMs = Math.min(1 / cpuMs, limit / (waitMs + cpuMs));
    const saturated = perMs * cpuMs > 0.99;
    // A saturated loop goes round once for all that is ready; one with time to spare is late by a few calls at most.
    const lagMs = saturated ? Math.max(cpuMs, limit * cpuMs - waitMs) : Math.min(limit, 3) * cpuMs;
    const sample: LoadSample = { lagMs, inFlight: limit, answered: perMs * elapsedMs, elapsedMs };
    limits.push(nextLimit(limit, bounds, sample));
  }
  return limits;
}

describe("the limit of calls at a time", () => {
  it("falls where calls compute: they would wait for one another inside of the worker", () => {
    expect(run(10, 0, 6).at(-1)).toBeLessThanOrEqual(5);
    expect(run(10, 0, 6).slice(0, 4)).toEqual([64, 32, 16, 8]);
  });

  it("keeps its height where calls wait for a model, also when many answers come at a time", () => {
    expect(run(0.1, 1_000, 20)).toEqual(Array(21).fill(64));
    const wave: LoadSample = { lagMs: 150, inFlight: 1_000, answered: 5_000, elapsedMs: 5_000 };
    expect(nextLimit(1_000, { min: 8, max: 1_000 }, wave)).toBe(1_000);
  });

  it("keeps its height for small calls, however busy the worker is", () => {
    expect(run(0.1, 0, 20)).toEqual(Array(21).fill(64));
  });

  it("rises to its bound in a few looks when the load changes", () => {
    expect(run(0.1, 1_000, 14, bounds.min).at(-1)).toBe(64);
  });

  it("does not rise while it is not what holds calls back", () => {
    expect(nextLimit(8, bounds, { lagMs: 0, inFlight: 7, answered: 100, elapsedMs: 5_000 })).toBe(8);
  });

  it("does not fall when the machine sleeps while nothing runs, and falls when nothing is answered at all", () => {
    expect(nextLimit(8, bounds, { lagMs: 9_000, inFlight: 0, answered: 0, elapsedMs: 5_000 })).toBe(8);
    expect(nextLimit(8, bounds, { lagMs: 60_000, inFlight: 8, answered: 0, elapsedMs: 5_000 })).toBe(4);
  });

  it("never leaves its bounds, whatever it sees", () => {
    for (const lagMs of [0, 1, 30, 1e9, Infinity])
      for (const inFlight of [0, 1, 64, 1e6])
        for (const answered of [0, 1, 1e6])
          for (let limit = bounds.min; limit <= bounds.max; limit += 1) {
            const next = nextLimit(limit, bounds, { lagMs, inFlight, answered, elapsedMs: 5_000 });
            expect(next >= bounds.min && next <= bounds.max && Number.isInteger(next)).toBe(true);
          }
  });
});
