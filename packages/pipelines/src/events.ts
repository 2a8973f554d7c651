import type { ErrorCode } from "@dspex/core";
import type { Restart } from "@dspex/supervisors";

/** What pipelines report. */
export interface PipelineTelemetry {
  "pipeline.run.started": { readonly run: string; readonly pipeline: string; readonly restart: Restart };
  /** The one record of a run's outcome. */
  "pipeline.run.settled": {
    readonly run: string;
    readonly pipeline: string;
    readonly ok: boolean;
    /** Why it failed, and in which stage; absent when it did not, or in none. */
    readonly code?: ErrorCode;
    readonly stage?: string;
    readonly durationMs: number;
    /** Times that its supervisor started it again before. */
    readonly restarts: number;
  };
  /** A stage completed or failed; one that was given up with its run is not told. */
  "pipeline.stage.settled": {
    readonly run: string;
    readonly pipeline: string;
    readonly stage: string;
    readonly ok: boolean;
    readonly code?: ErrorCode;
    readonly durationMs: number;
    /** Calls beyond the first, over all items. */
    readonly retries: number;
  };
}

declare module "@dspex/telemetry" {
  interface TelemetryEvents extends PipelineTelemetry {}
}
