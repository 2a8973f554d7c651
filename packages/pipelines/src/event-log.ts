import { deferred, type Deferred } from "@dspex/core";
import type { PipelineEvent, RunOccurrence } from "./run-event.ts";

/** The events of a run that are kept for readers who come late or are slow; the oldest make room (G4). */
const limit = 1_000;

/** The events of one run, for any number of readers, each at its own pace. */
export class EventLog implements AsyncIterable<PipelineEvent> {
  /** A ring: the event of sequence `n` stands at `n % limit`. */
  readonly #ring: PipelineEvent[] = [];
  #last = 0;
  #closed = false;
  #more: Deferred<void> | undefined;

  add(occurrence: RunOccurrence): void {
    if (this.#closed) return;
    this.#last += 1;
    this.#ring[this.#last % limit] = { ...occurrence, sequence: this.#last };
    this.#wake();
  }

  /** There will be no further events. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PipelineEvent, void, undefined> {
    for (let next = 1; ;) {
      next = Math.max(next, this.#last - limit + 1);
      if (next <= this.#last) {
        yield this.#ring[next % limit]!;
        next += 1;
      } else if (this.#closed) return;
      else await (this.#more ??= deferred<void>()).promise;
    }
  }

  #wake(): void {
    this.#more?.resolve();
    this.#more = undefined;
  }
}
