import { deferred, type Deferred } from "@dspex/core";
import type { AnyActorRef } from "xstate";
import type { ExitReason } from "./exit-reason.ts";
import { Fifo } from "./fifo.ts";

/** An actor of the tree came to life, or ended: however it did, and whether or not anybody had asked it to. */
export interface LifeCycleEvent {
  readonly event: "started" | "ended";
  /** From the root down to and including the actor. */
  readonly path: readonly string[];
  readonly type: "supervisor" | "worker";
  /** 1 for the first of this child. */
  readonly incarnation: number;
  readonly ref: AnyActorRef;
  /** Monotonic milliseconds of the application's clock. */
  readonly atMs: number;
  /** Why it ended; `undefined` for a start. */
  readonly reason: ExitReason | undefined;
}

/** Events that wait for a reader; beyond that, the oldest make room (G4). */
const limit = 10_000;

interface Reader {
  readonly events: Fifo<LifeCycleEvent>;
  more: Deferred<void>;
}

/** The life-cycle events of one tree, for any number of readers. Without a reader no event is made. */
export class LifeCycle implements AsyncIterable<LifeCycleEvent> {
  readonly #readers = new Set<Reader>();
  #ended = false;

  /** Whether anybody would read an event. */
  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  add(event: LifeCycleEvent): void {
    for (const { events, more } of this.#readers) {
      if (events.size === limit) events.shift();
      events.push(event);
      more.resolve();
    }
  }

  /** The tree has ended: readers get what still waits for them, and that is all. */
  end(): void {
    this.#ended = true;
    for (const { more } of this.#readers) more.resolve();
  }

  /** Reads from here on, not from the first `next()` on. */
  [Symbol.asyncIterator](): AsyncGenerator<LifeCycleEvent, void, undefined> {
    const reader: Reader = { events: new Fifo(), more: deferred() };
    this.#readers.add(reader);
    return this.#read(reader);
  }

  async *#read(reader: Reader): AsyncGenerator<LifeCycleEvent, void, undefined> {
    try {
      for (;;) {
        const event = reader.events.shift();
        if (event !== undefined) yield event;
        else if (this.#ended) return;
        else {
          reader.more = deferred();
          await reader.more.promise;
        }
      }
    } finally {
      this.#readers.delete(reader);
    }
  }
}
