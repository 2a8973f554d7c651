/** Who can have a place in a {@link Roster}. */
export interface Placed {
  /** The place, from 1 on; 0 without one. */
  place: number;
}

/**
 * The workers of a pool that are ready. As many as there are places take calls; the others are spares, and the one that has waited longest
 * takes the first place that becomes free, at once. A place outlives its workers, so that what prefers a place (affinity) stays put
 * when a worker is replaced.
 */
export class Roster<W extends Placed> {
  readonly #serving = new Set<W>();
  readonly #spares = new Set<W>();
  readonly #onServing: (worker: W) => void;
  #places: number;

  /** @param onServing hears of each worker that takes a place. */
  constructor(places: number, onServing: (worker: W) => void) {
    this.#places = places;
    this.#onServing = onServing;
  }

  /** Those that take calls. */
  get serving(): ReadonlySet<W> {
    return this.#serving;
  }

  /** Those that wait for a place. */
  get spares(): ReadonlySet<W> {
    return this.#spares;
  }

  join(worker: W): void {
    this.#spares.add(worker);
    this.#fill();
  }

  leave(worker: W): void {
    this.#spares.delete(worker);
    if (!this.#serving.delete(worker)) return;
    worker.place = 0;
    this.#fill();
  }

  /** Nobody loses a place by it: whoever is superfluous finishes its calls and leaves. */
  resize(places: number): void {
    this.#places = places;
    this.#fill();
  }

  #fill(): void {
    for (const spare of this.#spares) {
      if (this.#serving.size >= this.#places) return;
      spare.place = this.#freePlace();
      this.#spares.delete(spare);
      this.#serving.add(spare);
      this.#onServing(spare);
    }
  }

  #freePlace(): number {
    const taken = new Set([...this.#serving].map(({ place }) => place));
    let place = 1;
    while (taken.has(place)) place += 1;
    return place;
  }
}
