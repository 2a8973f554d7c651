/** What moved, at an endpoint, for all operations together. */
export class Drift {
  value = 0;
}

/**
 * A discounted mean: each observation moves it by a part of its surprise, so that older ones fade.
 *
 * Estimates of one endpoint share a {@link Drift}: half of what surprises one operation is expected of the others too, so a
 * slow-down that classifying has met is not met afresh by drafting. What the others then see for themselves corrects it.
 */
export class Estimate {
  readonly #drift: Drift;
  readonly #weight: number;
  #mean: number;
  #count: number;
  /** How much of the drift is already in the mean. */
  #driftSeen: number;

  /**
   * @param weight the part of its surprise by which an observation moves the mean, once there are some; the first ones move
   * it more, as in a plain mean.
   * @param prior what is believed before the first observation, and counts as one.
   */
  constructor(drift: Drift, weight: number, prior?: number) {
    this.#drift = drift;
    this.#weight = weight;
    this.#mean = prior ?? 0;
    this.#count = prior === undefined ? 0 : 1;
    this.#driftSeen = drift.value;
  }

  get known(): boolean {
    return this.#count > 0;
  }

  get value(): number {
    return this.#mean + this.#drift.value - this.#driftSeen;
  }

  /** The value as it would be at another endpoint that differs from this one by what moved there and here. */
  transferredTo(drift: Drift): number {
    return this.#mean - this.#driftSeen + drift.value;
  }

  learn(observation: number): void {
    const surprise = this.known ? observation - this.value : 0;
    const moved = surprise * Math.max(this.#weight, 1 / (this.#count + 1));
    this.#mean = this.known ? this.value + moved : observation;
    this.#count += 1;
    this.#drift.value += (surprise * this.#weight) / 2;
    this.#driftSeen = this.#drift.value;
  }
}
