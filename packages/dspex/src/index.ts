export { DspexError, type ErrorCode, type ErrorCodes } from "@dspex/core";
export { http, scripted, type HttpOptions, type LmAdapter, type LmRequest, type LmResponse } from "@dspex/lm";
export type { PoolOptions, WorkerStatus } from "@dspex/pool";
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
} from "@dspex/programs";
export { signature, type InputOf, type OutputOf, type Signature } from "@dspex/signatures";
export type { ChildSpec } from "@dspex/supervisors";
export type { TelemetryBus, TelemetryEvent, TelemetryEvents } from "@dspex/telemetry";
export type { RuntimeErrorCodes } from "./errors.ts";
export type { RuntimeEvents } from "./events.ts";
export { startRuntime, type Runtime } from "./runtime.ts";
export type { RuntimeOptions } from "./runtime-options.ts";
