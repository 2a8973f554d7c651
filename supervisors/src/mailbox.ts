import { choiceOption, DspexError, integerOption, invalidOption } from "@dspex/core";
import type { AnyActor, AnyActorRef, EventObject } from "xstate";
import { inScopeOf, type FailureOwner } from "./async-failures.ts";
import type { ExitReason } from "./exit-reason.ts";
import { Fifo } from "./fifo.ts";
import { relay } from "./relay.ts";
import type { RunQueue } from "./run-queue.ts";

/**
 * What happens to a message for which the mailbox has no room: it is dropped, it takes the place of the oldest one, or its
 * actor ends with `ERR_MAILBOX_FULL` and is left to its supervisor. What is dropped is a dead letter.
 */
export type Overflow = "drop_newest" | "drop_oldest" | "exit";

/** How many messages may wait for an actor (G4). */
export interface MailboxOptions {
  /** @default 100_000 */
  readonly limit?: number;
  /** @default "drop_newest" */
  readonly overflow?: Overflow;
}

/** A mailbox's limits, complete. */
export interface MailboxLimits {
  readonly limit: number;
  readonly overflow: Overflow;
}

export const defaultLimits: MailboxLimits = { limit: 100_000, overflow: "drop_newest" };

const overflows = ["drop_newest", "drop_oldest", "exit"] as const;

export function resolveMailbox(where: string, options: MailboxOptions | undefined): MailboxLimits {
  if (options === undefined) return defaultLimits;
  if (typeof options !== "object" || options === null)
    throw invalidOption(where, options, "{ limit, overflow }");
  return {
    limit: integerOption(`${where}.limit`, options.limit, { default: defaultLimits.limit, min: 1 }),
    overflow: choiceOption(`${where}.overflow`, options.overflow, {
      default: defaultLimits.overflow,
      among: overflows,
    }),
  };
}

interface Letter {
  readonly event: EventObject;
  /** Who sent it from inside its own handler; `undefined` when it came from outside. */
  readonly source: AnyActorRef | undefined;
}

const mailbox = Symbol("dspex.mailbox");

interface Addressed {
  [mailbox]?: Mailbox;
}

/**
 * The way to one actor: from {@link open} on, its `send` goes through the run queue. What XState delivers itself, such as a
 * machine's own `sendTo`, does not come by here and keeps XState's recursion.
 */
export abstract class Mailbox implements FailureOwner {
  readonly queue: RunQueue;
  actor!: AnyActor;
  abstract readonly limits: MailboxLimits;
  /** The actor still runs: nobody has seen its end. */
  abstract readonly alive: boolean;
  /** It is a supervisor's. */
  abstract readonly supervises: boolean;
  #letters: Fifo<Letter> | undefined;
  #full = false;

  constructor(queue: RunQueue) {
    this.queue = queue;
  }

  /** Ends the actor without asking it; `killed` is what `exit(Pid, kill)` does. */
  abstract end(reason: ExitReason): void;

  /** Its code failed when no handler of it ran. */
  abstract failed(error: unknown): void;

  /** The mailbox became full. Called once, until it has been empty again. */
  abstract overflowed(): void;

  /** Messages that wait. */
  get depth(): number {
    return this.#letters?.size ?? 0;
  }

  open(actor: AnyActor): void {
    this.actor = actor;
    (actor as Addressed)[mailbox] = this;
    actor.send = this.post.bind(this);
  }

  /** Sends a message; a kill does not wait. @returns whether it was taken; what was not is a dead letter. */
  post(event: EventObject): boolean {
    if (!this.alive) return this.#drop(event, "not_alive");
    // XState would stop the actor without a word to its parent.
    if (event.type === "xstate.stop") {
      this.end("killed");
      return true;
    }
    const { queue } = this;
    if (queue.idle) {
      queue.deliver(this, event);
      return true;
    }
    const letters = (this.#letters ??= new Fifo());
    const full = letters.size >= this.limits.limit;
    if (full && !this.#makeRoom(letters, event)) return false;
    letters.push({ event, source: queue.receiver });
    // A letter that took the place of another has its turn too.
    if (!full) queue.addTurn(this);
    return true;
  }

  /** Takes the message that has waited longest to the actor. */
  deliverNext(): void {
    const { event, source } = this.#letters!.shift()!;
    if (this.#letters!.size === 0) this.#full = false;
    this.deliver(event, source);
  }

  /** Takes a message to the actor. */
  deliver(event: EventObject, source: AnyActorRef | undefined): void {
    if (this.alive) inScopeOf(this, relay, source, this.actor, event);
    else this.#drop(event, "not_alive");
  }

  #makeRoom(letters: Fifo<Letter>, event: EventObject): boolean {
    if (!this.#full) this.overflowed();
    this.#full = true;
    const { overflow } = this.limits;
    if (overflow === "drop_oldest") {
      this.#drop(letters.shift()!.event, "mailbox_full");
      return true;
    }
    this.#drop(event, "mailbox_full");
    if (overflow === "exit") this.end({ error: this.fullError() });
    return false;
  }

  #drop(event: EventObject, reason: "not_alive" | "mailbox_full"): false {
    this.queue.deadLetter({ target: this.actor, event, reason });
    return false;
  }

  fullError(): DspexError<"ERR_MAILBOX_FULL"> {
    return mailboxFull(this.actor.id, this.limits.limit);
  }
}

/** The mailbox of an actor that this package runs; `undefined` for any other actor. */
export function mailboxOf(ref: AnyActorRef): Mailbox | undefined {
  return (ref as Addressed)[mailbox];
}

export function mailboxFull(target: string, limit: number): DspexError<"ERR_MAILBOX_FULL"> {
  return new DspexError(
    "ERR_MAILBOX_FULL",
    `${limit} messages wait for ${target} already. Send less, or raise mailbox.limit of its child specification.`,
    { details: { target, limit }, retryable: true },
  );
}
