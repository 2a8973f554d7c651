export { DspexError, type ErrorCode, type ErrorCodes } from "@dspex/core";
export { http, scripted, type HttpOptions, type LmAdapter, type LmRequest, type LmResponse } from "@dspex/lm";
export {
  replay,
  type EndpointEstimate,
  type Explanation,
  type Insight,
  type LearnerEntry,
  type LearnerOptions,
} from "@dspex/orchestrator";
export {
  pipeline,
  type NativeFunction,
  type Pipeline,
  type PipelineEvent,
  type PipelineRun,
  type RunMeta,
  type RunOptions,
  type RunOutcome,
} from "@dspex/pipelines";
export type { AskingCall, PoolChanges, PoolOptions, SizeBounds, WorkerStatus } from "@dspex/pool";
export {
  arrowTable,
  isArrowTable,
  isNdArray,
  ndArray,
  type ArrowTable,
  type NdArray,
  type NdArrayElements,
  type NdArrayType,
} from "@dspex/python-bridge";
export type {
  Callable,
  CallOptions,
  LmSettings,
  Meta,
  ModuleName,
  Outcome,
  Program,
  ProgramOptions,
  PythonFunction,
  FieldDelta,
  Streaming,
  Turn,
} from "@dspex/programs";
export type { Session, SessionOptions } from "@dspex/sessions";
export { signature, type InputOf, type OutputOf, type Signature } from "@dspex/signatures";
export type { ChildSpec } from "@dspex/supervisors";
export type { TelemetryBus, TelemetryEvent, TelemetryEvents } from "@dspex/telemetry";
export type { RuntimeErrorCodes } from "./errors.ts";
export type { RuntimeEvents } from "./events.ts";
export { startRuntime, type Runtime } from "./runtime.ts";
export type { RuntimeOptions } from "./runtime-options.ts";
export type { Tool } from "./tools.ts";
