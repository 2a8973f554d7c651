/** A bounded first-in-first-out queue from whose middle calls may leave in constant time. */
export class CallQueue<T> {
  readonly #limit: number;
  readonly #items = new Set<T>();
  /** Items that go first: they have waited before. */
  readonly #first = new Set<T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#items.size + this.#first.size;
  }

  /** `false` when the queue is full; the item is not taken then. */
  push(item: T): boolean {
    if (this.size >= this.#limit) return false;
    this.#items.add(item);
    return true;
  }

  /** Puts an item in front, full or not: it had its place already when its worker died. */
  pushFirst(item: T): void {
    this.#first.add(item);
  }

  /** The item whose turn it is; it stays. */
  first(): T | undefined {
    for (const items of [this.#first, this.#items]) for (const item of items) return item;
    return undefined;
  }

  shift(): T | undefined {
    const item = this.first();
    if (item !== undefined) this.delete(item);
    return item;
  }

  delete(item: T): void {
    if (!this.#first.delete(item)) this.#items.delete(item);
  }
}
