import type { AnyActorRef, EventObject } from "xstate";
import { Fifo } from "./fifo.ts";

/** A message that reached nobody. */
export interface DeadLetter {
  readonly target: AnyActorRef;
  readonly event: EventObject;
}

type Deliver = (event: EventObject) => void;

/** How the messages of a tree reach their actors. */
export interface Delivery {
  /** Delivers a message after everything that was posted before. */
  post(deliver: Deliver, event: EventObject): void;
  /** Does a supervisor's work before any message, as soon as no delivery is under way. */
  urgent(work: () => void): void;
  /** Counts a message that reached nobody. */
  deadLetter(letter: DeadLetter): void;
}

/** How long messages are delivered at a stretch before timers and I/O have their turn. */
const stretch = { messages: 2_000, ms: 5 } as const;

/**
 * Delivers messages one after another, in the order in which they were sent, and never from inside another delivery.
 *
 * XState delivers on the sender's stack, so a chain of some 2,000 actors overflows it and kills whoever stands there. Here a
 * send from inside a handler waits until the handler is done; a send from outside is delivered before it returns, as with
 * XState. After a stretch of messages the event loop gets its turn, so a storm of messages does not starve I/O. What
 * supervisors have to do goes before any message.
 */
export class RunQueue implements Delivery {
  readonly #urgent = new Fifo<() => void>();
  readonly #letters = new Fifo<{ readonly deliver: Deliver; readonly event: EventObject }>();
  readonly #onDeadLetter: (letter: DeadLetter) => void;
  #delivering = false;
  /** The event loop has its turn. */
  #resting = false;
  #deadLetters = 0;

  constructor(onDeadLetter: (letter: DeadLetter) => void = () => {}) {
    this.#onDeadLetter = onDeadLetter;
  }

  /** Messages so far that reached nobody. */
  get deadLetters(): number {
    return this.#deadLetters;
  }

  post(deliver: Deliver, event: EventObject): void {
    this.#letters.push({ deliver, event });
    if (!this.#delivering && !this.#resting) this.#run(stretch.messages);
  }

  urgent(work: () => void): void {
    this.#urgent.push(work);
    if (!this.#delivering) this.#run(this.#resting ? 0 : stretch.messages);
  }

  deadLetter(letter: DeadLetter): void {
    this.#deadLetters += 1;
    this.#onDeadLetter(letter);
  }

  #run(messages: number): void {
    this.#delivering = true;
    let untilMs: number | undefined;
    try {
      for (let delivered = 0; ;) {
        const work = this.#urgent.shift();
        if (work !== undefined) {
          work();
          continue;
        }
        if (delivered === messages) break;
        const letter = this.#letters.shift();
        if (letter === undefined) break;
        letter.deliver(letter.event);
        delivered += 1;
        if (delivered % 16 !== 0) continue;
        // This is about the real event loop, whatever clock the application has.
        const nowMs = performance.now();
        untilMs ??= nowMs + stretch.ms;
        if (nowMs > untilMs) break;
      }
    } finally {
      this.#delivering = false;
      if (!this.#resting && !(this.#letters.empty && this.#urgent.empty)) this.#rest();
    }
  }

  #rest(): void {
    this.#resting = true;
    setImmediate(() => {
      this.#resting = false;
      this.#run(stretch.messages);
    });
  }
}
