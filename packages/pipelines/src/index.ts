export { pipeline } from "./builder.ts";
export type {
  Kind,
  MapOptions,
  PipelineBuilder,
  RetryOptions,
  Root,
  StageOptions,
  Steps,
} from "./builder-types.ts";
export type { NodeKind } from "./dag.ts";
export type { PipelineJson, StageJson, TargetJson } from "./description.ts";
export type { PipelineErrorCodes } from "./errors.ts";
export type { PipelineTelemetry } from "./events.ts";
export type { RunnerPorts } from "./live-run.ts";
export type { Pipeline } from "./pipeline.ts";
export { pipelinesSpec } from "./pipelines-spec.ts";
export type { PipelineRun, RunMeta, RunOutcome } from "./run.ts";
export type { PipelineEvent, RunOccurrence } from "./run-event.ts";
export { createPipelineRunner, type PipelineRunner, type RunOptions } from "./runner.ts";
export type { SchemaIssue, SchemaResult, StandardSchema } from "./standard-schema.ts";
export type { ErrorPolicy } from "./step.ts";
export type { NativeFunction, StageScope, Target } from "./target.ts";
