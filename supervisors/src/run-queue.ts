import type { AnyActorRef, EventObject } from "xstate";
import { tell } from "./async-failures.ts";
import { Fifo } from "./fifo.ts";
import type { Mailbox } from "./mailbox.ts";

/** A message that reached nobody. */
export interface DeadLetter {
  /** The actor, or the name that nobody had. */
  readonly target: AnyActorRef | string;
  readonly event: EventObject;
  /** The target had ended, or its mailbox had no room. */
  readonly reason: "not_alive" | "mailbox_full";
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
export class RunQueue {
  readonly #urgent = new Fifo<() => void>();
  /** One turn for each message that waits in a mailbox. */
  readonly #turns = new Fifo<Mailbox>();
  readonly #onDeadLetter: (letter: DeadLetter) => void;
  #receiver: Mailbox | undefined;
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

  /** The actor whose handler runs at this moment: whoever sends now. */
  get receiver(): AnyActorRef | undefined {
    return this.#receiver?.actor;
  }

  /** Nothing is being delivered, and nothing waits. */
  get idle(): boolean {
    return !this.#delivering && !this.#resting;
  }

  /** Delivers a message at once, and then what that led to. Only where the queue is idle. */
  deliver(mailbox: Mailbox, event: EventObject): void {
    this.#delivering = true;
    this.#receiver = mailbox;
    try {
      mailbox.deliver(event, undefined);
    } finally {
      this.#receiver = undefined;
      this.#delivering = false;
      if (this.#turns.size + this.#urgent.size > 0) this.#run(stretch.messages);
    }
  }

  /** Delivers the next message of this mailbox after everything that was sent before; to a supervisor, before any user message. */
  addTurn(mailbox: Mailbox): void {
    if (mailbox.supervises) this.urgent(() => mailbox.deliverNext());
    else this.#turns.push(mailbox);
  }

  /** Does a supervisor's work before any message, as soon as no delivery is under way. */
  urgent(work: () => void): void {
    this.#urgent.push(work);
    if (!this.#delivering) this.#run(this.#resting ? 0 : stretch.messages);
  }

  /** Does a supervisor's work before any message, but never on the stack of whoever asks for it. */
  afterThis(work: () => void): void {
    if (this.#delivering) this.#urgent.push(work);
    else queueMicrotask(() => this.urgent(work));
  }

  /** Counts a message that reached nobody. */
  deadLetter(letter: DeadLetter): void {
    this.#deadLetters += 1;
    tell(this.#onDeadLetter, letter);
  }

  #run(messages: number): void {
    this.#delivering = true;
    let untilMs: number | undefined;
    try {
      for (let delivered = 0, worked = 0; worked < stretch.messages;) {
        const work = this.#urgent.shift();
        if (work !== undefined) {
          work();
          worked += 1;
          continue;
        }
        if (delivered === messages) break;
        const mailbox = this.#turns.shift();
        if (mailbox === undefined) break;
        this.#receiver = mailbox;
        mailbox.deliverNext();
        this.#receiver = undefined;
        delivered += 1;
        if (delivered % 16 !== 0) continue;
        // This is about the real event loop, whatever clock the application has.
        const nowMs = performance.now();
        untilMs ??= nowMs + stretch.ms;
        if (nowMs > untilMs) break;
      }
    } finally {
      this.#receiver = undefined;
      this.#delivering = false;
      if (!this.#resting && this.#turns.size + this.#urgent.size > 0) this.#rest();
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
