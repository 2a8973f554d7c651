import type { LmAdapter } from "@dspex/lm";
import type { LearnerOptions } from "@dspex/orchestrator";
import type { PoolOptions } from "@dspex/pool";
import type { ChildSpec, Inspector } from "@dspex/supervisors";
import type { LogLevel, TelemetryBus } from "@dspex/telemetry";
import type { Tool } from "./tools.ts";

export interface RuntimeOptions {
  /** LM endpoints by name; programs that name none use `default`. @default none: programs that ask a model cannot be made */
  readonly lm?: Readonly<Record<string, LmAdapter>>;
  /** Pools of Python workers by name; programs that name none run in the first. @default one pool, `dspy`, of 2 workers */
  readonly pools?: Readonly<Record<string, PoolOptions>>;
  /** Functions of yours that Python code may call, by name. @default none */
  readonly tools?: Readonly<Record<string, Tool>>;
  /** How the learner that chooses among endpoints starts, and who gets its log. @default seed 0, no log */
  readonly learner?: LearnerOptions;
  /** Actors of yours that live and die with the runtime, started before the pools. @default none */
  readonly children?: readonly ChildSpec[];
  /** Called with the bus before anything starts, so that a subscriber misses nothing. @default none */
  readonly subscribe?: (telemetry: TelemetryBus) => void;
  /** Receives XState's inspection events of every actor, from the first on. @default none */
  readonly inspect?: Inspector;
  /** Writes telemetry to standard error, as JSON lines, from this level up. @default nothing is written */
  readonly log?: LogLevel;
  /**
   * SIGINT and SIGTERM stop the runtime: the first lets calls in flight finish, the second ends the process at once.
   * @default false: signals are yours
   */
  readonly handleSignals?: boolean;
  /** How long calls may finish when the runtime stops, in milliseconds. @default 10_000 */
  readonly drainTimeoutMs?: number;
}
