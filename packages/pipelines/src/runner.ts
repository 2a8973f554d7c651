import {
  AttemptBudget,
  choiceOption,
  Deadline,
  durationOption,
  integerOption,
  invalidOption,
} from "@dspex/core";
import type { Restart } from "@dspex/supervisors";
import { LiveRun, type RunnerPorts, type RunSettings } from "./live-run.ts";
import { isPipeline, planOf, type Pipeline } from "./pipeline.ts";
import type { PipelineRun } from "./run.ts";
import type { WorkOrder } from "./run-work.ts";

export interface RunOptions {
  /**
   * When the run is started again from its input, as OTP means it. `temporary`: never. `transient`: when its actor crashes or is
   * killed; a run that fails or is cancelled has ended normally. `permanent`: whatever its end, again and again until it is
   * cancelled; its outcome is the first one. @default "temporary"
   */
  readonly restart?: Restart;
  /** Aborting it cancels the run. */
  readonly signal?: AbortSignal;
  /** Time for the whole run, in milliseconds, over its restarts: every stage's call gets what is left (G2). @default 300_000 */
  readonly timeoutMs?: number;
  /** Further attempts that its stages have in all: their retries, and what their calls take by themselves (G2). @default 3 */
  readonly furtherAttempts?: number;
  /** Its calls go to the same worker where that is possible. @default any worker */
  readonly affinity?: string;
}

/** Runs pipelines. */
export interface PipelineRunner {
  /**
   * Starts a run: an actor of its own under the supervisor of the pipelines. Whatever is wrong with the input or the
   * application is the run's outcome.
   *
   * @throws DspexError `ERR_INVALID_OPTION`.
   */
  run<In, Out>(pipeline: Pipeline<In, Out>, input: NoInfer<In>, options?: RunOptions): PipelineRun<Out>;
}

const defaultTimeoutMs = 300_000;
const defaultFurtherAttempts = 3;

export function createPipelineRunner(ports: RunnerPorts): PipelineRunner {
  const launch = <Out>(
    pipeline: Pipeline<unknown, Out>,
    input: unknown,
    settings: RunSettings,
  ): PipelineRun<Out> => {
    const run = new LiveRun<Out>(ports.createId(pipeline.name), planOf(pipeline), settings, ports, runNested);
    void run.start(input);
    return run;
  };
  // A run of its own, which lives as long as the stage that it is, and on the same deadline and budget.
  const runNested: WorkOrder["runNested"] = ({ signal, ...scope }, pipeline, input) =>
    launch(pipeline, input, {
      restart: "temporary",
      signal,
      affinity: scope.affinity,
      allowance: () => scope,
    }).result;

  return {
    run(pipeline, input, options = {}) {
      if (!isPipeline(pipeline)) throw invalidOption("pipeline", pipeline, "a pipeline, ended with output");
      const { signal, affinity } = options;
      const restart = choiceOption("restart", options.restart, { default: "temporary", among: restarts });
      const timeoutMs = durationOption("timeoutMs", options.timeoutMs, { default: defaultTimeoutMs });
      const furtherAttempts = integerOption("furtherAttempts", options.furtherAttempts, {
        default: defaultFurtherAttempts,
        min: 0,
      });
      const allowance = () => ({
        deadline: new Deadline(ports.clock, timeoutMs),
        budget: new AttemptBudget(furtherAttempts),
      });
      return launch(pipeline, input, { restart, signal, affinity, allowance });
    },
  };
}

const restarts = ["permanent", "transient", "temporary"] as const;
