import { DspexError, messageOf } from "@dspex/core";

/** What the errors of supervision carry. */
export interface SupervisorErrorCodes {
  /** A child did not start; `cause` is why. */
  ERR_CHILD_START_FAILED: { readonly path: readonly string[]; readonly child: string };
  /** A supervisor was asked for what it may not do; `reason` is OTP's word for it. */
  ERR_SUPERVISOR_REFUSED: {
    readonly path: readonly string[];
    readonly child: string;
    readonly reason: SupervisorRefusal;
  };
  /** The actor asked is not alive, or died before it answered (OTP's `noproc`). */
  ERR_NO_PROCESS: { readonly target: string };
  /** More messages wait for the actor than its mailbox holds; this one was not taken. */
  ERR_MAILBOX_FULL: { readonly target: string; readonly limit: number };
  /** The stack overflowed in this actor, as it does when XState delivers a long chain of messages; `cause` is the RangeError. */
  ERR_STACK_OVERFLOW: { readonly target: string };
  /** The name is registered to another live actor. */
  ERR_NAME_TAKEN: { readonly name: string };
}

/** Why a supervisor refuses, in OTP's words; `max_children` is Elixir's. */
export type SupervisorRefusal =
  | "already_started"
  | "already_present"
  | "running"
  | "restarting"
  | "not_found"
  | "simple_one_for_one"
  | "max_children";

declare module "@dspex/core" {
  interface ErrorCodes extends SupervisorErrorCodes {}
}

/** The error of a child that did not start. */
export function startFailure(
  path: readonly string[],
  child: string,
  why: unknown,
): DspexError<"ERR_CHILD_START_FAILED"> {
  const cause = typeof why === "object" && why !== null && "error" in why ? why.error : why;
  return new DspexError(
    "ERR_CHILD_START_FAILED",
    `Child "${child}" of ${path.join("/")} did not start: ${messageOf(cause)}`,
    {
      details: { path, child },
      cause,
    },
  );
}

/**
 * XState delivers what a machine sends by `sendTo` on the sender's stack, and lets the overflow end whoever stands there. Says
 * so, where that is what `error` may come from.
 */
export function overflowOr(error: unknown, target: string): unknown {
  const { name, message } = Object(error) as Partial<Error>;
  if (name !== "RangeError" || message?.includes("call stack") !== true) return error;
  return new DspexError(
    "ERR_STACK_OVERFLOW",
    `The stack overflowed in ${target}. Actors that hand messages on by XState's sendTo nest; sendVia goes through the run queue.`,
    { details: { target }, cause: error },
  );
}
