import { DspexError } from "@dspex/core";
import type { AnyActorRef } from "xstate";
import { mailboxOf } from "./mailbox.ts";

/**
 * Does this actor still run? Exact for supervised actors, servers, machines, promises and callbacks; an unsupervised actor
 * of other logic that was stopped from outside still counts as alive, because XState does not say.
 */
export function isAlive(ref: AnyActorRef): boolean {
  return (mailboxOf(ref)?.alive ?? true) && ref.getSnapshot().status === "active";
}

/** The error of a request to an actor that is not there to answer. */
export function noProcess(ref: AnyActorRef, cause?: unknown): DspexError<"ERR_NO_PROCESS"> {
  return new DspexError("ERR_NO_PROCESS", `${ref.id} is not alive, or ended before it answered.`, {
    details: { target: ref.id },
    retryable: true,
    cause,
  });
}
