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
    const values = this.#values;
    const ordered = values.length < this.#capacity ? values : [...values.slice(this.#next), ...values.slice(0, this.#next)];
    return ordered.slice(-count);
  }
}
