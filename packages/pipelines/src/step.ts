import type { AttemptBudget, Clock } from "@dspex/core";
import type { DagNode } from "./dag.ts";
import type { TargetJson } from "./description.ts";
import type { Pipeline } from "./pipeline.ts";
import type { StageScope } from "./target.ts";

/** The results that a node reads, and `input`, by name. */
export type Results = Readonly<Record<string, unknown>>;

/** What a step is given to work with: its own signal and deadline, and what it shares with its run. */
export interface StepScope extends StageScope {
  readonly clock: Clock;
  readonly random: () => number;
  readonly affinity: string | undefined;
  /** The run's own (G2): retries of stages and what their calls take by themselves. */
  readonly budget: AttemptBudget;
  /** Runs another pipeline as part of this step. */
  readonly runNested: (pipeline: Pipeline<unknown, unknown>, input: unknown) => Promise<unknown>;
  /** A call failed and is made again. */
  readonly onRetry: (attempt: number, error: unknown) => void;
  /** An item has no result, and the step goes on. */
  readonly onItemFailed: (error: unknown) => void;
}

/** A node with what it does. */
export interface Step {
  readonly node: DagNode;
  /** Its own limit, in milliseconds; `Infinity`: only that of the run. */
  readonly timeoutMs: number;
  /** The run goes on without its result when it fails. */
  readonly toleratesFailure: boolean;
  /** What it is set to, for its description. */
  readonly settings: StepSettings;
  /** What it throws or rejects with is its failure. */
  readonly perform: (results: Results, scope: StepScope) => unknown;
}

export interface StepSettings {
  readonly target?: TargetJson;
  readonly timeoutMs?: number;
  readonly attempts?: number;
  readonly onError?: ErrorPolicy;
  readonly concurrency?: number;
}

/** What a failure of a stage means: the run fails; the result is `undefined`; the failed items' results are `undefined`. */
export type ErrorPolicy = "fail" | "skip" | "partial";
