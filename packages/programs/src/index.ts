export { poolOf, type CallerPorts } from "./caller.ts";
export type { Affinity, AffinityMode } from "@dspex/pool";
export type { CallEvents } from "./events.ts";
export type { LmSettings } from "./lm-settings.ts";
export type { Callable, CallOptions, Meta, Outcome, Streaming, StreamingCallable } from "./outcome.ts";
export {
  createProgram,
  type FieldDelta,
  type ModuleOutput,
  type Program,
  type ProgramOptions,
  type ProgramPorts,
  type Turn,
} from "./program.ts";
export { createPythonFunction, type PythonFunction, type PythonFunctionOptions } from "./python-function.ts";
export { specHash, type ModuleName, type ProgramSpec } from "./spec.ts";
export type { Strategist, Strategy, StrategyQuestion } from "./strategist.ts";
