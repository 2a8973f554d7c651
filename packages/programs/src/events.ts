import type { ErrorCode } from "@dspex/core";
import type { Meta } from "./outcome.ts";

/** What calls report. */
export interface CallEvents {
  /** The one record of a settled call: nothing else in telemetry says that a call ended. */
  "call.settled": Meta & {
    readonly ok: boolean;
    /** Why it failed; absent when it did not. */
    readonly code?: ErrorCode;
  };
}

declare module "@dspex/telemetry" {
  interface TelemetryEvents extends CallEvents {}
}
