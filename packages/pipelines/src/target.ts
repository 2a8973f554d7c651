import { invalidOption, type Deadline } from "@dspex/core";
import type { Callable } from "@dspex/programs";
import type { TargetJson } from "./description.ts";
import { isPipeline, type Pipeline } from "./pipeline.ts";
import type { StepScope } from "./step.ts";

/** What a native function is told besides its input. */
export interface StageScope {
  /** Aborted when its result is not wanted any more: the run was cancelled, failed elsewhere, or its time is up. */
  readonly signal: AbortSignal;
  /** The stage's deadline. */
  readonly deadline: Deadline;
  /** The id of the run. */
  readonly run: string;
}

/** A function of this process as a stage. While it computes, nothing else in this process does. */
export type NativeFunction<In, Out> = (input: In, scope: StageScope) => Out | Promise<Out>;

/** What a stage may call: a program or Python function, a function of this process, or another pipeline. */
export type Target<In, Out> = Callable<In, Out> | NativeFunction<In, Out> | Pipeline<In, Out>;

/** @throws DspexError `ERR_INVALID_OPTION` when it is nothing that can be called. */
export function describeTarget(option: string, target: Target<unknown, unknown>): TargetJson {
  if (typeof target === "function") return { function: target.name };
  if (isPipeline(target)) return { pipeline: target.name };
  if (typeof target?.tryCall === "function") return { operation: target.operation };
  throw invalidOption(option, target, "a program, a Python function, a function or a pipeline");
}

/** One call of a target, within the deadline and the attempt budget of its run. */
export async function callTarget(
  target: Target<unknown, unknown>,
  input: unknown,
  scope: StepScope,
): Promise<unknown> {
  const { signal, deadline, run, affinity, budget } = scope;
  if (typeof target === "function") return target(input, { signal, deadline, run });
  if (isPipeline(target)) return scope.runNested(target, input);
  const outcome = await target.tryCall(input, {
    signal,
    timeoutMs: deadline.remainingMs,
    budget,
    ...(affinity === undefined ? {} : { affinity }),
  });
  if (outcome.ok) return outcome.value;
  throw outcome.error;
}
