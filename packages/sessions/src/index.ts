export type { RefusedCall, SessionOutcome } from "./call.ts";
export type { SessionEnd } from "./end.ts";
export type { SessionErrorCodes } from "./errors.ts";
export type { SessionEvents } from "./events.ts";
export type { SessionOptions } from "./options.ts";
export type { Session, SessionCallOptions } from "./session.ts";
export { createSessions, type Sessions, type SessionsOptions, type SessionsPorts } from "./sessions.ts";
