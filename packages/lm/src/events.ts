import type { ErrorCode } from "@dspex/core";

/** What endpoints report. */
export interface LmEvents {
  /** A request to an endpoint is over, its repetitions included. */
  "lm.request.settled": {
    readonly endpoint: string;
    readonly callId: string;
    readonly ok: boolean;
    readonly code?: ErrorCode;
    readonly durationMs: number;
    /** Times that the endpoint was asked. */
    readonly attempts: number;
    readonly inputTokens: number;
    readonly outputTokens: number;
  };
  /** A request failed in a way that may pass, and is sent again after `delayMs`. */
  "lm.request.retried": {
    readonly endpoint: string;
    readonly callId: string;
    readonly code: ErrorCode;
    readonly delayMs: number;
  };
}

declare module "@dspex/telemetry" {
  interface TelemetryEvents extends LmEvents {}
}
