import { Actor, type AnyActor, type AnyActorRef, type EventObject } from "xstate";

/*
 * The parts of XState that this package uses although they are not public. Each is optional: without it something is less good,
 * and that is said here. `test/supervisors/xstate-contract.test.ts` notices when one of them changes.
 */

interface Relaying {
  readonly _relay?: (source: AnyActorRef | undefined, target: AnyActor, event: EventObject) => void;
}

interface Internals {
  _send?: (event: EventObject) => void;
}

/**
 * Delivers a message at once, past the run queue. XState's public `send` knows no sender: without `_relay` an inspector can
 * draw no arrow.
 */
export function relay(source: AnyActorRef | undefined, target: AnyActor, event: EventObject): void {
  const system = target.system as unknown as Relaying;
  if (system._relay === undefined) Actor.prototype.send.call(target, event);
  else system._relay(source, target, event);
}

/**
 * Hands the ends of a supervisor's children to `later` in place of XState, which tells the parent on the stack of whoever ended.
 * Where that stack is about to overflow, the overflow would leave the supervisor in the middle of its own message for ever.
 */
export function deferExits(supervisor: AnyActor, later: (tell: () => void) => void): void {
  const internals = supervisor as unknown as Internals;
  const send = internals._send?.bind(supervisor);
  if (send === undefined) return;
  internals._send = (event) => (isExit(event) ? later(() => send(event)) : send(event));
}

function isExit({ type }: EventObject): boolean {
  return type.startsWith("xstate.done.actor.") || type.startsWith("xstate.error.actor.");
}
