import { Actor, type AnyActor, type AnyActorRef, type EventObject } from "xstate";

/** The part of XState's actor system that delivers with a sender. It is not public. */
interface Relaying {
  readonly _relay?: (source: AnyActorRef | undefined, target: AnyActor, event: EventObject) => void;
}

/**
 * Delivers a message at once, past the run queue. XState's public `send` knows no sender, so an inspector could draw no
 * arrow; should the internal `_relay` be gone one day, messages arrive without one.
 */
export function relay(source: AnyActorRef | undefined, target: AnyActor, event: EventObject): void {
  const system = target.system as unknown as Relaying;
  if (system._relay === undefined) Actor.prototype.send.call(target, event);
  else system._relay(source, target, event);
}
