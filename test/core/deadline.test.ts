import { describe, expect, it } from "@jest/globals";
import { AttemptBudget, createManualClock, Deadline } from "@dspex/core";

describe("Deadline", () => {
  it("G2: counts down on the clock and stays at zero once it has passed", () => {
    const clock = createManualClock(1_000);
    const deadline = new Deadline(clock, 300);
    expect([deadline.atMs, deadline.remainingMs, deadline.passed]).toEqual([1_300, 300, false]);
    clock.advance(299);
    expect(deadline.passed).toBe(false);
    clock.advance(1);
    expect([deadline.remainingMs, deadline.passed]).toEqual([0, true]);
    clock.advance(50);
    expect(deadline.remainingMs).toBe(0);
  });

  it("tells when it passes, unless it was stopped", () => {
    const clock = createManualClock();
    const passed: string[] = [];
    new Deadline(clock, 10).onPassed(() => passed.push("kept"));
    new Deadline(clock, 10).onPassed(() => passed.push("stopped"))?.cancel();
    clock.advance(10);
    expect(passed).toEqual(["kept"]);
  });

  it("never passes, and arms no timer, when it is infinite", () => {
    const clock = createManualClock();
    const deadline = new Deadline(clock, Infinity);
    expect(deadline.onPassed(() => {})).toBeUndefined();
    clock.advance(1e12);
    expect(deadline.passed).toBe(false);
  });

  it("says how long the call had and where it was", () => {
    const error = new Deadline(createManualClock(), 250).error("waiting for a worker");
    expect(error.message).toContain("250 ms");
    expect(error.message).toContain("waiting for a worker");
    expect(error.details).toEqual({ timeoutMs: 250, where: "waiting for a worker" });
  });
});

describe("AttemptBudget", () => {
  it("G2: gives out exactly as many further attempts as it has, whoever takes them", () => {
    const budget = new AttemptBudget(2);
    expect([budget.take(), budget.take(), budget.take(), budget.taken]).toEqual([true, true, false, 2]);
  });
});
