import type { Dag } from "./dag.ts";
import type { PipelineJson } from "./description.ts";
import type { StandardSchema } from "./standard-schema.ts";
import type { Step } from "./step.ts";

/** What a pipeline consists of, for those who run it. */
export interface Plan {
  readonly dag: Dag;
  readonly steps: ReadonlyMap<string, Step>;
  /** Checks the input of each run. */
  readonly schema: StandardSchema | undefined;
}

const planKey = Symbol("dspex.pipeline.plan");

/** Stages and what waits for what, written once. It holds no state: runs of it may happen at the same time. */
export interface Pipeline<In, Out> {
  readonly name: string;
  /** The graph as plain JSON, the same for the same pipeline. */
  toJSON(): PipelineJson;
  /** The graph as a Mermaid flowchart. */
  toMermaid(): string;
  /** @internal */
  readonly [planKey]: Plan;
  /** Only for the compiler: what goes in and what comes out. */
  readonly "~types"?: { readonly input: In; readonly output: Out };
}

export function createPipeline<In, Out>(
  plan: Plan,
  describe: Pick<Pipeline<In, Out>, "toJSON" | "toMermaid">,
): Pipeline<In, Out> {
  return { name: plan.dag.pipeline, ...describe, [planKey]: plan };
}

export function isPipeline(value: unknown): value is Pipeline<unknown, unknown> {
  return typeof value === "object" && value !== null && planKey in value;
}

export function planOf(pipeline: Pipeline<unknown, unknown>): Plan {
  return pipeline[planKey];
}
