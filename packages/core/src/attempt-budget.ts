/**
 * The one budget of further attempts of a call (G2): pool, LM, stage and strategy all take from it, so retries of
 * several layers add up and never multiply.
 */
export class AttemptBudget {
  #left: number;
  #taken = 0;

  /** @param furtherAttempts attempts beyond the first. */
  constructor(furtherAttempts: number) {
    this.#left = furtherAttempts;
  }

  /** Takes one further attempt; `false` when none is left, and then the failure stands. */
  take(): boolean {
    if (this.#left <= 0) return false;
    this.#left -= 1;
    this.#taken += 1;
    return true;
  }

  /** Further attempts taken so far. */
  get taken(): number {
    return this.#taken;
  }
}
