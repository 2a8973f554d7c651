interface Link<T> {
  readonly value: T;
  next: Link<T> | undefined;
}

/** A first-in-first-out queue whose operations all take constant time, at any length. */
export class Fifo<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What {@link shift} would take. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  push(value: T): void {
    const link = { value, next: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
    this.#size += 1;
  }

  shift(): T | undefined {
    const link = this.#first;
    if (link === undefined) return undefined;
    this.#first = link.next;
    if (this.#first === undefined) this.#last = undefined;
    this.#size -= 1;
    return link.value;
  }
}
