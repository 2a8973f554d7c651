import {
  deferred,
  DspexError,
  messageOf,
  type AttemptBudget,
  type Clock,
  type Deadline,
  type IdGenerator,
  type Timer,
} from "@dspex/core";
import { startChild, type ChildStart, type Registry, type Restart } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";
import { checkInput } from "./check-input.ts";
import { crashed, stageError, stopped } from "./errors.ts";
import { EventLog } from "./event-log.ts";
import { machineOf } from "./machine.ts";
import type { Plan } from "./pipeline.ts";
import { pipelinesName } from "./pipelines-spec.ts";
import type { PipelineRun, RunMeta, RunOutcome } from "./run.ts";
import type { RunOccurrence } from "./run-event.ts";
import { RunWork, type StageEnd, type WorkOrder } from "./run-work.ts";

/** What runs need from around them. */
export interface RunnerPorts {
  readonly registry: Registry;
  readonly clock: Clock;
  /** Numbers in [0, 1), for the jitter of back-off. */
  readonly random: () => number;
  readonly createId: IdGenerator;
  readonly telemetry: TelemetryBus;
}

/** How a run is run, complete. */
export interface RunSettings {
  readonly restart: Restart;
  readonly signal: AbortSignal | undefined;
  readonly affinity: string | undefined;
  /** Deadline and attempt budget of a round. */
  readonly allowance: () => { readonly deadline: Deadline; readonly budget: AttemptBudget };
}

/** From a start to an outcome, over the crashes between them. Only a permanent run has more than one. */
interface Round {
  readonly startedAtMs: number;
  readonly deadline: Deadline;
  readonly budget: AttemptBudget;
  timer: Timer | undefined;
  settled: boolean;
}

/** The one life of a run, over the incarnations of its actor. */
export class LiveRun<Out> implements PipelineRun<Out> {
  readonly id: string;
  readonly events = new EventLog();
  readonly result: Promise<Out>;
  readonly #plan: Plan;
  readonly #settings: RunSettings;
  readonly #ports: RunnerPorts;
  readonly #runNested: WorkOrder["runNested"];
  readonly #outcome = deferred<RunOutcome<Out>>();
  #input: unknown;
  #round: Round;
  #work: RunWork | undefined;
  #restarts = 0;
  /** There will be no further incarnation. */
  #over = false;
  #forget: (() => void)[] = [];

  constructor(
    id: string,
    plan: Plan,
    settings: RunSettings,
    ports: RunnerPorts,
    runNested: WorkOrder["runNested"],
  ) {
    this.id = id;
    this.#plan = plan;
    this.#settings = settings;
    this.#ports = ports;
    this.#runNested = runNested;
    this.#round = this.#newRound();
    this.result = this.#outcome.promise.then((outcome) => {
      if (outcome.ok) return outcome.value;
      throw outcome.error;
    });
    // Whoever reads the events or the outcome knows of a failure without it.
    this.result.catch(() => {});
  }

  tryResult(): Promise<RunOutcome<Out>> {
    return this.#outcome.promise;
  }

  cancel(reason?: unknown): void {
    if (this.#over) return;
    const where = this.#where();
    const why = reason === undefined ? "" : `: ${messageOf(reason)}`;
    const error = new DspexError(
      "ERR_CANCELLED",
      `Run ${this.id} was cancelled while it was ${where}${why}.`,
      {
        details: { where },
        cause: reason,
      },
    );
    this.#settle("cancelled", { ok: false, error }, true);
    this.#work?.stop("run.cancelled", error);
  }

  /** Takes its input, and its place under the supervisor. */
  async start(input: unknown): Promise<void> {
    const { signal, restart } = this.#settings;
    const { dag, schema } = this.#plan;
    if (signal?.aborted) return this.cancel(signal.reason);
    const { deadline } = this.#round;
    if (deadline.passed) return this.#fail(deadline.error(this.#where()));
    if (signal !== undefined) {
      const abort = (): void => this.cancel(signal.reason);
      signal.addEventListener("abort", abort);
      this.#forget.push(() => signal.removeEventListener("abort", abort));
    }
    try {
      this.#input = schema === undefined ? input : await checkInput(dag.pipeline, schema, input);
    } catch (error) {
      return this.#fail(stageError(dag.pipeline, "input", error));
    }
    const supervisor = this.#ports.registry.whereis(pipelinesName);
    if (supervisor === undefined) return this.#fail(stopped(dag.pipeline, this.id));
    if (this.#over) return;
    const gone = (cause?: unknown): void => this.#fail(stopped(dag.pipeline, this.id, cause));
    const subscription = supervisor.subscribe({ complete: () => gone(), error: gone });
    this.#forget.push(() => subscription.unsubscribe());
    try {
      await startChild(supervisor, {
        id: this.id,
        restart,
        start: ({ generation }) => this.#incarnate(generation),
      });
    } catch (error) {
      if (DspexError.is(error, "ERR_NO_PROCESS")) gone(error);
      else this.#fail(error as DspexError);
    }
  }

  /** A new incarnation: the first, or one that the supervisor starts in the place of one that ended. */
  #incarnate(generation: number): ChildStart {
    // A permanent run is started again even after it was cancelled; then there is nothing to run.
    if (this.#over) return "ignore";
    if (this.#round.settled) this.#round = this.#newRound();
    const { restart } = this.#settings;
    const { pipeline } = this.#plan.dag;
    if (generation === 1)
      this.#ports.telemetry.emit("pipeline.run.started", { run: this.id, pipeline, restart });
    else {
      this.#restarts += 1;
      this.events.add({ type: "run.restarted", restarts: this.#restarts });
    }
    const work = new RunWork(this.#order((cause) => this.#lost(work, cause)));
    this.#work = work;
    return { logic: machineOf(this.#plan), input: { work } };
  }

  #order(onGone: WorkOrder["onGone"]): WorkOrder {
    const { clock, random } = this.#ports;
    const { deadline, budget } = this.#round;
    const { pipeline } = this.#plan.dag;
    return {
      run: this.id,
      plan: this.#plan,
      input: this.#input,
      deadline,
      budget,
      clock,
      random,
      affinity: this.#settings.affinity,
      runNested: this.#runNested,
      tell: (occurrence) => this.events.add(occurrence),
      stageSettled: (stage, end) => this.#report(stage, end),
      onCompleted: (value) => this.#settle("completed", { ok: true, value: value as Out }),
      onFailed: (error, stage) => this.#settle("failed", { ok: false, error, stage }),
      onShutdown: () => this.#settle("cancelled", { ok: false, error: stopped(pipeline, this.id) }, true),
      onGone,
    };
  }

  #newRound(): Round {
    const startedAtMs = this.#ports.clock.now();
    const round: Round = { ...this.#settings.allowance(), startedAtMs, timer: undefined, settled: false };
    round.timer = round.deadline.onPassed(() => this.#expire());
    return round;
  }

  #expire(): void {
    const error = this.#round.deadline.error(this.#where());
    this.#settle("failed", { ok: false, error });
    this.#work?.stop("run.failed", error);
  }

  /** It failed for good, outside of any stage. */
  #fail(error: DspexError): void {
    this.#settle("failed", { ok: false, error }, true);
  }

  /** An incarnation is gone. When it left no outcome it was killed or crashed, and the supervisor follows `restart`. */
  #lost(work: RunWork, cause: unknown): void {
    if (this.#work !== work || this.#round.settled || this.#settings.restart !== "temporary") return;
    this.#fail(crashed(this.#plan.dag.pipeline, this.id, cause));
  }

  #settle(how: Ending, outcome: Settled<Out>, final = this.#settings.restart !== "permanent"): void {
    const round = this.#round;
    if (!round.settled) {
      round.settled = true;
      round.timer?.cancel();
      this.#conclude(how, outcome, round);
    }
    if (!final || this.#over) return;
    this.#over = true;
    this.events.close();
    for (const forget of this.#forget) forget();
  }

  #conclude(how: Ending, outcome: Settled<Out>, round: Round): void {
    const { clock, telemetry } = this.#ports;
    const durationMs = clock.now() - round.startedAtMs;
    const { pipeline } = this.#plan.dag;
    const stage = outcome.ok ? undefined : outcome.stage;
    const about = {
      run: this.id,
      pipeline,
      durationMs,
      restarts: this.#restarts,
      ...(stage === undefined ? {} : { stage }),
    };
    const meta: RunMeta = { ...about, furtherAttempts: round.budget.taken };
    telemetry.emit("pipeline.run.settled", {
      ...about,
      ok: outcome.ok,
      ...(outcome.ok ? {} : { code: outcome.error.code }),
    });
    this.events.add(occurrenceOf(how, outcome, durationMs));
    this.#outcome.resolve(
      outcome.ok ? { ok: true, value: outcome.value, meta } : { ok: false, error: outcome.error, meta },
    );
  }

  #report(stage: string, { error, durationMs, retries }: StageEnd): void {
    this.#ports.telemetry.emit("pipeline.stage.settled", {
      run: this.id,
      pipeline: this.#plan.dag.pipeline,
      stage,
      ok: error === undefined,
      ...(error === undefined ? {} : { code: error.code }),
      durationMs,
      retries,
    });
  }

  #where(): string {
    const stages = this.#work?.running ?? [];
    const what = stages.length === 0 ? "between its stages" : `in ${stages.join(", ")}`;
    return this.#work === undefined ? "waiting to start" : what;
  }
}

type Ending = "completed" | "failed" | "cancelled";

type Settled<Out> =
  | { readonly ok: true; readonly value: Out }
  | { readonly ok: false; readonly error: DspexError; readonly stage?: string };

function occurrenceOf(how: Ending, outcome: Settled<unknown>, durationMs: number): RunOccurrence {
  if (outcome.ok) return { type: "run.completed", durationMs };
  const { error, stage } = outcome;
  return how === "cancelled"
    ? { type: "run.cancelled", durationMs, error }
    : { type: "run.failed", durationMs, error, stage };
}
