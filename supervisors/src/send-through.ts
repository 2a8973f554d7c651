import type { AnyActorRef, EventObject } from "xstate";
import type { Delivery } from "./run-queue.ts";

/**
 * From here on `actor.send` goes through the run queue. Returns the way past it, for what a supervisor has to say. What
 * XState delivers itself, such as a machine's own `sendTo`, does not come by here and keeps XState's recursion.
 */
export function sendThrough(
  queue: Delivery,
  actor: AnyActorRef,
  { alive, kill }: { readonly alive: () => boolean; readonly kill: () => void },
): (event: EventObject) => void {
  const { send } = actor;
  const deliver = (event: EventObject): void => {
    if (!alive()) queue.deadLetter({ target: actor, event });
    // XState would stop the actor without a word to its parent.
    else if (event.type === "xstate.stop") kill();
    else send(event);
  };
  actor.send = (event: EventObject) => queue.post(deliver, event);
  return send;
}
