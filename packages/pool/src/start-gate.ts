/**
 * Lets so many workers of a pool start at a time; the others wait, in order. An interpreter that imports takes a whole core, so more
 * starts than cores make each of them slower and none of them earlier.
 */
export class StartGate {
  readonly #limit: number;
  readonly #inside = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Calls `begin` when it is its turn, which may be now.
   *
   * @returns how to leave, whether or not its turn has come; leaving twice is leaving once.
   */
  enter(begin: () => void): () => void {
    this.#waiting.add(begin);
    this.#admit();
    return () => {
      this.#waiting.delete(begin);
      if (this.#inside.delete(begin)) this.#admit();
    };
  }

  #admit(): void {
    for (const begin of this.#waiting) {
      if (this.#inside.size >= this.#limit) return;
      this.#waiting.delete(begin);
      this.#inside.add(begin);
      begin();
    }
  }
}
