import { describe, expect, it } from "@jest/globals";
import { CircuitBreaker, createManualClock, type CircuitState } from "@dspex/core";

function stage() {
  const clock = createManualClock();
  const changes: CircuitState[] = [];
  const breaker = new CircuitBreaker({
    failures: 3,
    windowMs: 1_000,
    openMs: 100,
    clock,
    onChange: (state) => changes.push(state),
  });
  const fail = (times: number): void => {
    for (let time = 0; time < times; time += 1) breaker.failed();
  };
  return { breaker, clock, changes, fail };
}

describe("scenario 33: the circuit breaker", () => {
  it("opens at its threshold and not before, and refuses everybody then", () => {
    const { breaker, fail, changes } = stage();
    fail(2);
    expect(breaker.admit()).toBeDefined();
    fail(1);
    expect(breaker.admit()).toBeUndefined();
    expect(changes).toEqual(["open"]);
  });

  it("counts failures in a row: a success begins a new count", () => {
    const { breaker, fail } = stage();
    fail(2);
    breaker.succeeded();
    fail(2);
    expect(breaker.state).toBe("closed");
  });

  it("counts failures within its window only", () => {
    const { breaker, clock, fail } = stage();
    fail(2);
    clock.advance(1_000);
    fail(2);
    expect(breaker.state).toBe("closed");
    clock.advance(999);
    fail(1);
    expect(breaker.state).toBe("open");
  });

  it("lets one at a time try when its time is over, and closes at a success", () => {
    const { breaker, clock, fail, changes } = stage();
    fail(3);
    clock.advance(99);
    expect(breaker.admit()).toBeUndefined();
    clock.advance(1);
    expect(breaker.admit()).toBeDefined();
    expect(breaker.admit()).toBeUndefined();
    breaker.succeeded();
    expect(breaker.admit()).toBeDefined();
    expect(breaker.admit()).toBeDefined();
    expect(changes).toEqual(["open", "half_open", "closed"]);
  });

  it("opens again, for as long, when the one that tries fails", () => {
    const { breaker, clock, fail, changes } = stage();
    fail(3);
    clock.advance(100);
    breaker.admit();
    fail(1);
    clock.advance(99);
    expect(breaker.admit()).toBeUndefined();
    clock.advance(1);
    expect(breaker.admit()).toBeDefined();
    expect(changes).toEqual(["open", "half_open", "open", "half_open"]);
  });

  it("gives the place of a probe that leaves to the next, once", () => {
    const { breaker, clock, fail } = stage();
    fail(3);
    clock.advance(100);
    const leave = breaker.admit()!;
    leave();
    expect(breaker.admit()).toBeDefined();
    // It is not the place's owner any more.
    leave();
    expect(breaker.admit()).toBeUndefined();
  });

  it("does not wait for ever for a probe that died without a word", () => {
    const { breaker, clock, fail } = stage();
    fail(3);
    clock.advance(100);
    breaker.admit();
    clock.advance(100);
    expect(breaker.admit()).toBeDefined();
    expect(breaker.admit()).toBeUndefined();
  });

  it("stays open as long when failures go on meanwhile, and begins a new count when it closes", () => {
    const { breaker, clock, fail } = stage();
    fail(3);
    clock.advance(99);
    fail(5);
    clock.advance(1);
    expect(breaker.admit()).toBeDefined();
    breaker.succeeded();
    fail(2);
    expect(breaker.state).toBe("closed");
  });
});
