import { Fifo } from "./fifo.ts";

/** How many restarts a supervisor takes in which time before it gives up. */
export interface RestartLimit {
  /** More restarts than this within `periodMs` end the supervisor. */
  readonly intensity: number;
  readonly periodMs: number;
}

/** The restarts of a supervisor that are not forgotten yet. A restart exactly `periodMs` ago still counts, as in OTP. */
export class RestartWindow {
  readonly #limit: RestartLimit;
  readonly #restarts = new Fifo<number>();

  constructor(limit: RestartLimit) {
    this.#limit = limit;
  }

  /** Counts one more restart. @returns whether they are too many now. */
  add(nowMs: number): boolean {
    this.#restarts.push(nowMs);
    return this.count(nowMs) > this.#limit.intensity;
  }

  /** The restarts that count at this time. */
  count(nowMs: number): number {
    const { periodMs } = this.#limit;
    for (let oldest = this.#restarts.first; oldest !== undefined && oldest < nowMs - periodMs;) {
      this.#restarts.shift();
      oldest = this.#restarts.first;
    }
    return this.#restarts.size;
  }
}
