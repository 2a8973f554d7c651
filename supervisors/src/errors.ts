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
