import type { DspexError } from "@dspex/core";
import type { PipelineEvent } from "./run-event.ts";

/** What came of a run, besides its value. */
export interface RunMeta {
  readonly run: string;
  readonly pipeline: string;
  /** From the call of `run` to the outcome, in milliseconds. */
  readonly durationMs: number;
  /** Times that the supervisor started it again. */
  readonly restarts: number;
  /** Further attempts that its stages and their calls took (G2). */
  readonly furtherAttempts: number;
  /** The stage that failed it, `output`, or a condition; absent when none did. */
  readonly stage?: string;
}

/** What `tryResult` resolves to. */
export type RunOutcome<Out> =
  | { readonly ok: true; readonly value: Out; readonly meta: RunMeta }
  | { readonly ok: false; readonly error: DspexError; readonly meta: RunMeta };

/** A run of a pipeline. It stays the same while the actor behind it is restarted, and has one outcome (G1). */
export interface PipelineRun<Out> {
  readonly id: string;
  /**
   * What happens, from the start of the run, for any number of readers; it ends with the run. The last 1,000 events are kept:
   * a reader that comes late or is slow gets those, and sees by `sequence` what it missed. Leaving the loop does not cancel
   * the run, unlike that of a stream: nobody waits for its reader.
   */
  readonly events: AsyncIterable<PipelineEvent>;
  /** The output; rejects with the stage's own error when that is a `DspexError`, else with `ERR_STAGE_FAILED` and its cause. */
  readonly result: Promise<Out>;
  /** The outcome with its `meta`; never rejects. */
  tryResult(): Promise<RunOutcome<Out>>;
  /** Cancels what runs, and with it the run: `ERR_CANCELLED`. After the end it does nothing. */
  cancel(reason?: unknown): void;
}
