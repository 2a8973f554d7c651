import type { SessionEnd } from "./end.ts";

/** What sessions report. */
export interface SessionEvents {
  "session.opened": { readonly session: string; readonly ttlMs: number };
  "session.ended": {
    readonly session: string;
    readonly how: SessionEnd;
    /** Turns that it had, those that its history has dropped included. */
    readonly turns: number;
    readonly durationMs: number;
  };
}

declare module "@dspex/telemetry" {
  interface TelemetryEvents extends SessionEvents {}
}
