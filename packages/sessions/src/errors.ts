import type { SessionEnd } from "./end.ts";

/** What the errors of sessions carry. */
export interface SessionErrorCodes {
  /** The session is over; `how` says by what. `open` gives a new one. */
  ERR_SESSION_ENDED: { readonly session: string; readonly how: SessionEnd };
  /** As many calls wait in the session as may. Retryable. */
  ERR_SESSION_BUSY: { readonly session: string; readonly limit: number };
  /** As many sessions live as may. Retryable. */
  ERR_SESSIONS_FULL: { readonly limit: number };
}

declare module "@dspex/core" {
  interface ErrorCodes extends SessionErrorCodes {}
}
