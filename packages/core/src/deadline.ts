import type { Clock, Timer } from "./clock.ts";
import { DspexError } from "./errors.ts";

/**
 * The one absolute deadline of a call (G2). Queue, worker, LM and Python all take from it; nobody starts a new budget.
 */
export class Deadline {
  readonly #clock: Clock;
  /** When it passes, in the clock's monotonic milliseconds. `Infinity`: never. */
  readonly atMs: number;
  /** What the caller granted, for the error's message. */
  readonly timeoutMs: number;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.timeoutMs = timeoutMs;
    this.atMs = clock.now() + timeoutMs;
  }

  /** Milliseconds left, never negative. */
  get remainingMs(): number {
    return Math.max(0, this.atMs - this.#clock.now());
  }

  get passed(): boolean {
    return this.#clock.now() >= this.atMs;
  }

  /** Calls `callback` when the deadline passes; `undefined` when it never does. */
  onPassed(callback: () => void): Timer | undefined {
    return this.atMs === Infinity ? undefined : this.#clock.setTimeout(callback, this.remainingMs);
  }

  /** The error that everyone who stops work at this deadline reports. `where` names the place the call was in. */
  error(where: string): DspexError<"ERR_DEADLINE_EXCEEDED"> {
    return new DspexError(
      "ERR_DEADLINE_EXCEEDED",
      `The call did not finish within ${this.timeoutMs} ms; it was ${where}. Give it more time with timeoutMs.`,
      { details: { timeoutMs: this.timeoutMs, where } },
    );
  }
}
