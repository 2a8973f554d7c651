import { describe, expect, it } from "@jest/globals";
import { backoffMs, createId, createManualClock, systemClock } from "@dspex/core";

describe("the manual clock", () => {
  it("fires timers in the order of their time, then of their creation", () => {
    const clock = createManualClock();
    const fired: string[] = [];
    clock.setTimeout(() => fired.push("late"), 20);
    clock.setTimeout(() => fired.push("early"), 10);
    clock.setTimeout(() => fired.push("also early"), 10);
    clock.advance(20);
    expect(fired).toEqual(["early", "also early", "late"]);
  });

  it("fires timers that timers arm, at their own time", () => {
    const clock = createManualClock();
    const at: number[] = [];
    clock.setTimeout(() => {
      at.push(clock.now());
      clock.setTimeout(() => at.push(clock.now()), 5);
    }, 5);
    clock.advance(30);
    expect(at).toEqual([5, 10]);
    expect([clock.now(), clock.pending]).toEqual([30, 0]);
  });
});

describe("the system clock", () => {
  it("is monotonic, and cancels", async () => {
    const before = systemClock.now();
    let cancelledFired = false;
    systemClock
      .setTimeout(() => {
        cancelledFired = true;
      }, 0)
      .cancel();
    const keepAlive = setTimeout(() => {}, 1_000);
    await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, 2));
    clearTimeout(keepAlive);
    expect(systemClock.now()).toBeGreaterThan(before);
    expect(cancelledFired).toBe(false);
  });
});

describe("back-off", () => {
  const options = { firstMs: 100, maxMs: 1_000 };

  it("doubles from the first delay up to its bound", () => {
    const longest = [1, 2, 3, 4, 5, 50].map((failures) => backoffMs(failures, options, () => 1));
    expect(longest).toEqual([100, 200, 400, 800, 1_000, 1_000]);
  });

  it("spreads over the upper half, and is nothing without a failure", () => {
    expect(backoffMs(3, options, () => 0)).toBe(200);
    expect(backoffMs(0, options, () => 1)).toBe(0);
  });
});

describe("ids", () => {
  it("carry their prefix and do not repeat", () => {
    const ids = new Set(Array.from({ length: 10_000 }, () => createId("call")));
    expect(ids.size).toBe(10_000);
    for (const id of ids) expect(id).toMatch(/^call-[2-9a-z]{14}$/);
  });
});
