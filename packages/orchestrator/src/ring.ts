/** The latest values, up to `capacity` of them. */
export class Ring<T> {
  readonly #capacity: number;
  readonly #values: T[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#values.length;
  }

  push(value: T): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** The newest `count` of them, oldest first. */
  newest(count: number = this.#capacity): T[] {
    const { length } = this.#values;
    const taken = Math.min(count, length);
    // Not full, the ring begins at 0 and the next place is its length.
    const first = this.#next - taken + length;
    return Array.from({ length: taken }, (_, index) => this.#values[(first + index) % length]!);
  }
}
