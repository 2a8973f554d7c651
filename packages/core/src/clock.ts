/**
 * Time as the runtime sees it. Everything that waits or measures takes a clock, so tests move time instead of waiting.
 */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. Never jumps with the wall clock. */
  now(): number;
  /** Calls `callback` once after `delayMs`. A pending timer does not keep the process alive. */
  setTimeout(callback: () => void, delayMs: number): Timer;
}

export interface Timer {
  /** Stops the timer; a no-op after it fired. */
  cancel(): void;
}

/** The longest delay Node's timers hold; a longer one fires at once there, so it is cut to this (24.8 days). */
const maxDelayMs = 2 ** 31 - 1;

/** `performance.now()` counts from the start of the process, `process.hrtime` does not; the first is much cheaper to ask. */
const startMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/**
 * The real clock. `now()` is `CLOCK_MONOTONIC`, as `process.hrtime` reads it: on Linux Python's `time.monotonic()` reads
 * the same one, which is why deadlines may cross the pipe as absolute times.
 */
export const systemClock: Clock = {
  now: () => startMs + performance.now(),
  setTimeout(callback, delayMs) {
    const handle = setTimeout(callback, Math.min(Math.max(0, delayMs), maxDelayMs));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
