import { durationOption, systemClock, type Clock, type Timer } from "@dspex/core";
import type { AnyActor, AnyActorRef, EventObject, MachineContext } from "xstate";
import { isAlive } from "./alive.ts";
import { Incarnation } from "./incarnation.ts";
import { defaultLimits, Mailbox, mailboxOf } from "./mailbox.ts";

/** What XState hands to an action. */
interface ActionArgs<Context extends MachineContext, Event extends EventObject> {
  readonly context: Context;
  readonly event: Event;
  readonly self: AnyActorRef;
}

export interface SendViaOptions {
  /** Sends so much later, unless the sender ends or {@link cancelVia} comes first. @default at once */
  readonly delayMs?: number;
  /** What {@link cancelVia} calls the delayed message; a later one of the same id takes its place. @default none */
  readonly id?: string;
}

/**
 * An action that sends through the run queue, as `send` on a supervised ref does: XState's `sendTo` delivers on the sender's stack,
 * which overflows after some 2,000 actors. Its delays cost no other actor anything, as XState's do.
 *
 * `target` is an actor or the name of one in the registry of the application; a name that nobody has makes a dead letter.
 *
 * @example
 * entry: sendVia(({ context }) => context.next, { type: "hop" })
 */
export function sendVia<Context extends MachineContext, Event extends EventObject>(
  target: AnyActorRef | string | ((args: ActionArgs<Context, Event>) => AnyActorRef | string),
  event: EventObject | ((args: ActionArgs<Context, Event>) => EventObject),
  { delayMs, id }: SendViaOptions = {},
): (args: ActionArgs<Context, Event>) => void {
  const afterMs = durationOption("delayMs", delayMs, { default: 0 });
  return (args) => {
    const { self } = args;
    const message = typeof event === "function" ? event(args) : event;
    const to = typeof target === "function" ? target(args) : target;
    if (delayMs === undefined) return post(self, to, message);
    const timer = clockOf(self).setTimeout(() => post(self, to, message), afterMs);
    if (id === undefined) return;
    const timers = delayed.get(self) ?? new Map<string, Timer>();
    timers.get(id)?.cancel();
    delayed.set(self, timers.set(id, timer));
  };
}

/** An action that cancels a message of this actor that {@link sendVia} was to send later. */
export function cancelVia(id: string): (args: { readonly self: AnyActorRef }) => void {
  return ({ self }) => {
    delayed.get(self)?.get(id)?.cancel();
    delayed.get(self)?.delete(id);
  };
}

const delayed = new WeakMap<AnyActorRef, Map<string, Timer>>();

function post(self: AnyActorRef, to: AnyActorRef | string, event: EventObject): void {
  const from = nearest(self);
  const target = typeof to === "string" ? registryOf(from)?.whereis(to) : to;
  if (target === undefined) return from?.queue.deadLetter({ target: to, event, reason: "not_alive" });
  const mailbox = mailboxOf(target) ?? foreignMailbox(target, from);
  if (mailbox === undefined) target.send(event);
  else mailbox.post(event);
}

/** The mailbox of the supervised actor that this one is, or is a private helper of. */
function nearest(actor: AnyActorRef): Mailbox | undefined {
  for (let at: AnyActorRef | undefined = actor; at !== undefined; at = at._parent) {
    const mailbox = mailboxOf(at);
    if (mailbox !== undefined) return mailbox;
  }
  return undefined;
}

function registryOf(mailbox: Mailbox | undefined) {
  return mailbox instanceof Incarnation ? mailbox.child.supervisor.around.registry : undefined;
}

function clockOf(actor: AnyActorRef): Clock {
  const mailbox = nearest(actor);
  return mailbox instanceof Incarnation ? mailbox.clock : systemClock;
}

const foreign = new WeakMap<AnyActorRef, ForeignMailbox>();

/** The way through the sender's queue to an actor that no supervisor started; `undefined` where the sender has none either. */
function foreignMailbox(target: AnyActorRef, from: Mailbox | undefined): Mailbox | undefined {
  if (from === undefined) return undefined;
  const mailbox = foreign.get(target) ?? new ForeignMailbox(from, target as AnyActor);
  foreign.set(target, mailbox);
  return mailbox;
}

/** An actor that is nobody's child here, such as one that a machine has spawned. Only what is sent via the queue comes by. */
class ForeignMailbox extends Mailbox {
  readonly limits = defaultLimits;
  readonly supervises = false;
  readonly #owner: Mailbox;

  constructor(owner: Mailbox, actor: AnyActor) {
    super(owner.queue);
    this.#owner = owner;
    this.actor = actor;
  }

  get alive(): boolean {
    return isAlive(this.actor);
  }

  end(): void {
    this.actor.send({ type: "xstate.stop" });
  }

  failed(error: unknown): void {
    this.#owner.failed(error);
  }

  overflowed(): void {}
}
