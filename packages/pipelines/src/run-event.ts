import type { DspexError } from "@dspex/core";

/** What happens in a run, as its `events` tell it. */
export type PipelineEvent = RunOccurrence & {
  /** Position in the run's order, from 1. A gap: the reader was too slow, and the oldest events made room. */
  readonly sequence: number;
};

export type RunOccurrence =
  | { readonly type: "stage.started"; readonly stage: string }
  /** `failedItems`: items of a map stage with `onError: "partial"` that have no result. */
  | {
      readonly type: "stage.completed";
      readonly stage: string;
      readonly durationMs: number;
      readonly failedItems: number;
    }
  /** `tolerated`: its policy is to go on without its result. */
  | {
      readonly type: "stage.failed";
      readonly stage: string;
      readonly durationMs: number;
      readonly error: DspexError;
      readonly tolerated: boolean;
    }
  /** A condition did not hold. */
  | { readonly type: "stage.skipped"; readonly stage: string }
  /** A call of the stage failed and is made again; `attempt` counts the calls for this input, from 2. */
  | {
      readonly type: "stage.retried";
      readonly stage: string;
      readonly attempt: number;
      readonly error: DspexError;
    }
  /** The run starts over from its input; `restarts` counts them. */
  | { readonly type: "run.restarted"; readonly restarts: number }
  | { readonly type: "run.completed"; readonly durationMs: number }
  /** `stage`: the one that failed, when it was one. */
  | {
      readonly type: "run.failed";
      readonly durationMs: number;
      readonly error: DspexError;
      readonly stage: string | undefined;
    }
  | { readonly type: "run.cancelled"; readonly durationMs: number; readonly error: DspexError };
