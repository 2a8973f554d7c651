import { DspexError, messageOf } from "@dspex/core";

/** What the errors of pipelines carry. */
export interface PipelineErrorCodes {
  /** A pipeline cannot be what was written; `names` are the stages that it is about. */
  ERR_PIPELINE: { readonly pipeline: string; readonly reason: string; readonly names: readonly string[] };
  /** A stage threw something that is no `DspexError`, which is the `cause`. A `DspexError` passes as it is. */
  ERR_STAGE_FAILED: { readonly pipeline: string; readonly stage: string };
  /** The run's actor was killed or crashed, and its `restart` says that it is not started again. */
  ERR_PIPELINE_CRASHED: { readonly pipeline: string; readonly run: string };
  /** The supervisor of the pipelines has stopped, or stopped the run. */
  ERR_PIPELINE_STOPPED: { readonly pipeline: string; readonly run: string };
}

declare module "@dspex/core" {
  interface ErrorCodes extends PipelineErrorCodes {}
}

export function malformed(
  pipeline: string,
  reason: string,
  names: readonly string[],
): DspexError<"ERR_PIPELINE"> {
  return new DspexError("ERR_PIPELINE", `Pipeline "${pipeline}": ${reason}.`, {
    details: { pipeline, reason, names },
  });
}

/** A stage's failure as users see it: an error of DSPex keeps its code, anything else becomes the cause of one. */
export function stageError(pipeline: string, stage: string, thrown: unknown): DspexError {
  if (DspexError.is(thrown)) return thrown;
  return new DspexError(
    "ERR_STAGE_FAILED",
    `Stage "${stage}" of pipeline "${pipeline}" failed: ${messageOf(thrown)}`,
    { details: { pipeline, stage }, cause: thrown },
  );
}

export function crashed(pipeline: string, run: string, cause: unknown): DspexError<"ERR_PIPELINE_CRASHED"> {
  return new DspexError(
    "ERR_PIPELINE_CRASHED",
    `The actor of run ${run} was killed or crashed, and is not started again. Run it with restart: "transient" to have it start over.`,
    { details: { pipeline, run }, retryable: true, cause },
  );
}

export function stopped(pipeline: string, run: string, cause?: unknown): DspexError<"ERR_PIPELINE_STOPPED"> {
  return new DspexError(
    "ERR_PIPELINE_STOPPED",
    `Run ${run} of pipeline "${pipeline}" was stopped with its supervisor, or found none to run under.`,
    { details: { pipeline, run }, retryable: true, cause },
  );
}
