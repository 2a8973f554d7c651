import { invalidOption, type DspexError } from "@dspex/core";
import { violation } from "@dspex/python-bridge";

/** Items that a worker may send ahead of whoever reads them. */
export const streamCredits = 512;

type Step = IteratorResult<unknown, undefined>;

/**
 * The items of a streaming call on their way to their one reader. Bounded by credits (G4): the worker may be
 * {@link streamCredits} items ahead and is granted further ones as they are read, so a slow reader slows the producer.
 */
export class ItemStream {
  readonly #items: unknown[] = [];
  #read = 0;
  #received = 0;
  #owed = 0;
  #end: { readonly error: unknown } | undefined;
  #reader: { readonly resolve: (step: Step) => void; readonly reject: (error: unknown) => void } | undefined;
  #grant: (n: number) => void = () => {};

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
    this.#received += 1;
    if (this.#reader === undefined) {
      this.#items.push(item);
      return;
    }
    this.#reader.resolve({ value: item, done: false });
    this.#reader = undefined;
    this.#taken();
  }

  /** Nothing follows; with an error, the reader gets that after the last item. */
  end(error?: unknown): void {
    this.#end = { error };
    if (this.#reader === undefined) return;
    const { resolve, reject } = this.#reader;
    this.#reader = undefined;
    if (error === undefined) resolve({ value: undefined, done: true });
    else reject(error);
  }

  /** The next item, for one reader at a time. A promise and nothing else: a generator would cost three more an item. */
  next(): Promise<Step> {
    if (this.#read < this.#items.length) {
      const value = this.#items[this.#read];
      this.#items[this.#read] = undefined;
      this.#read += 1;
      // What was read is dropped in blocks: also when the reader never quite catches up.
      if (this.#read === this.#items.length || this.#read >= streamCredits) {
        this.#items.splice(0, this.#read);
        this.#read = 0;
      }
      this.#taken();
      return Promise.resolve({ value, done: false });
    }
    if (this.#reader !== undefined) return Promise.reject(twoReaders());
    if (this.#end === undefined)
      return new Promise((resolve, reject) => {
        this.#reader = { resolve, reject };
      });
    if (this.#end.error === undefined) return Promise.resolve({ value: undefined, done: true });
    return Promise.reject(this.#end.error);
  }

  /** Credits go back in halves of the window: a frame for each item would double the traffic. */
  #taken(): void {
    this.#owed += 1;
    if (this.#owed < streamCredits / 2) return;
    this.#grant(this.#owed);
    this.#owed = 0;
  }
}

function twoReaders(): DspexError<"ERR_INVALID_OPTION"> {
  return invalidOption(
    "stream",
    "a second next() before the first has settled",
    "read by one loop, one item after the other",
  );
}
