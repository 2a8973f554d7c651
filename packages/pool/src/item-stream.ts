import { violation } from "@dspex/python-bridge";

/** Items that a worker may send ahead of whoever reads them. */
export const streamCredits = 512;

/**
 * The items of a streaming call on their way to their one reader. Bounded by credits (G4): the worker may be
 * {@link streamCredits} items ahead and is granted further ones as they are read, so a slow reader slows the producer.
 */
export class ItemStream implements AsyncIterable<unknown> {
  readonly #items: unknown[] = [];
  #read = 0;
  #received = 0;
  #owed = 0;
  #ended = false;
  #wake: (() => void) | undefined;
  #grant: ((n: number) => void) | undefined;

  /** Items that have arrived: a call that has delivered some cannot be run again unseen. */
  get received(): number {
    return this.#received;
  }

  /** A worker produces the items. @param grant sends credits to it. */
  attach(grant: (n: number) => void): void {
    this.#grant = grant;
  }

  /** @throws DspexError `ERR_PROTOCOL_VIOLATION` when the worker was not granted the item. */
  push(item: unknown): void {
    if (this.#items.length - this.#read >= streamCredits)
      throw violation("more items of a stream than it was granted");
    this.#items.push(item);
    this.#received += 1;
    this.#wake?.();
  }

  /** Nothing follows. */
  end(): void {
    this.#ended = true;
    this.#grant = undefined;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, void> {
    for (;;) {
      while (this.#read < this.#items.length) {
        const item = this.#items[this.#read];
        this.#items[this.#read] = undefined;
        this.#read += 1;
        this.#taken();
        yield item;
      }
      if (this.#ended) return;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Credits go back in halves of the window: a frame for each item would double the traffic. */
  #taken(): void {
    if (this.#read === this.#items.length) this.#items.length = this.#read = 0;
    this.#owed += 1;
    if (this.#owed < streamCredits / 2) return;
    this.#grant?.(this.#owed);
    this.#owed = 0;
  }
}
