import { Deadline, type AttemptBudget, type Clock, type DspexError, type Timer } from "@dspex/core";
import type { AnyActorRef, AnyEventObject } from "xstate";
import { stageError } from "./errors.ts";
import type { NodeEnded, Work } from "./machine.ts";
import type { Plan } from "./pipeline.ts";
import type { RunOccurrence } from "./run-event.ts";
import { allWaiting, nextSteps, type NextSteps, type Standing, type Standings } from "./scheduler.ts";
import type { Step, StepScope } from "./step.ts";

/** The run that the work is for, which outlives its incarnations. */
export interface WorkOrder {
  readonly run: string;
  readonly plan: Plan;
  readonly input: unknown;
  readonly deadline: Deadline;
  readonly budget: AttemptBudget;
  readonly clock: Clock;
  readonly random: () => number;
  readonly affinity: string | undefined;
  readonly runNested: (
    scope: Pick<StepScope, "signal" | "deadline" | "budget" | "affinity">,
    ...what: Parameters<StepScope["runNested"]>
  ) => Promise<unknown>;
  readonly tell: (occurrence: RunOccurrence) => void;
  readonly stageSettled: (stage: string, end: StageEnd) => void;
  readonly onCompleted: (value: unknown) => void;
  readonly onFailed: (error: DspexError, stage: string) => void;
  readonly onShutdown: () => void;
  /** The actor has ended, however it did; `cause` is what it threw. */
  readonly onGone: (cause: unknown) => void;
}

/** How a node ended, as its event carries it. */
export interface StageEnd {
  readonly value?: unknown;
  readonly error?: DspexError;
  readonly durationMs: number;
  readonly retries: number;
  readonly failedItems: number;
}

/** A node at work. */
interface Active {
  readonly controller: AbortController;
  readonly startedAtMs: number;
  timer: Timer | undefined;
  retries: number;
  failedItems: number;
}

/**
 * The work of one incarnation of a run: what its nodes do and where they stand. It begins with the input, whatever was before.
 */
export class RunWork implements Work<StageEnd> {
  readonly #order: WorkOrder;
  readonly #results: Map<string, unknown>;
  readonly #active = new Map<string, Active>();
  readonly #first: readonly string[];
  #standings: Standings;
  #send: (event: AnyEventObject) => void = () => {};
  #failure: { readonly error: DspexError; readonly stage: string } | undefined;

  constructor(order: WorkOrder) {
    this.#order = order;
    this.#results = new Map([["input", order.input]]);
    this.#standings = allWaiting(order.plan.dag);
    this.#first = this.#advance().ready;
  }

  get standings(): Standings {
    return this.#standings;
  }

  begin(self: AnyActorRef): void {
    this.#send = (event) => self.send(event);
    const gone = (cause?: unknown): void => {
      this.#release(this.#failure?.error ?? cause);
      this.#order.onGone(cause);
    };
    // However the actor ends, also when it is killed: nothing that it does outlives it.
    self.subscribe({ complete: () => gone(), error: gone });
    for (const name of this.#first) this.#start(name);
  }

  settle({ type, node: name, end }: NodeEnded<StageEnd>): ReturnType<Work<StageEnd>["settle"]> {
    const step = this.#step(name);
    const { value, error } = end;
    this.#standings = { ...this.#standings, [name]: type.slice(name.length + 1) as Standing };
    this.#results.set(name, value);
    if (isStage(step)) this.#tellEnd(step, end);
    if (error !== undefined && !step.toleratesFailure) {
      this.#failure = { error, stage: name };
      return { type: "run.failed" };
    }
    const { ready, done } = this.#advance();
    for (const next of ready) this.#start(next);
    return done ? { type: "run.completed" } : undefined;
  }

  completed(): void {
    this.#order.onCompleted(this.#results.get("output"));
  }

  failed(): void {
    if (this.#failure !== undefined) this.#order.onFailed(this.#failure.error, this.#failure.stage);
  }

  shutDown(): void {
    this.#order.onShutdown();
  }

  /** The run is over, for a reason from outside: what runs is cancelled. */
  stop(type: "run.failed" | "run.cancelled", error: DspexError): void {
    this.#release(error);
    this.#send({ type });
  }

  /** The nodes at work. */
  get running(): readonly string[] {
    return [...this.#active.keys()];
  }

  /** For inspectors, which serialise the context. */
  toJSON(): { readonly run: string } {
    return { run: this.#order.run };
  }

  /** Notes what follows from where the nodes stand. */
  #advance(): NextSteps {
    const { plan, tell } = this.#order;
    const next = nextSteps(plan.dag, this.#standings);
    if (next.ready.length === 0 && next.skipped.length === 0) return next;
    const standings: Record<string, Standing> = { ...this.#standings };
    for (const name of next.skipped) {
      standings[name] = "skipped";
      if (isStage(this.#step(name))) tell({ type: "stage.skipped", stage: name });
    }
    for (const name of next.ready) standings[name] = "running";
    this.#standings = standings;
    return next;
  }

  #start(name: string): void {
    const { deadline: ofRun, clock, run, tell } = this.#order;
    const step = this.#step(name);
    const controller = new AbortController();
    const deadline = step.timeoutMs < ofRun.remainingMs ? new Deadline(clock, step.timeoutMs) : ofRun;
    const startedAtMs = clock.now();
    const active: Active = { controller, startedAtMs, timer: undefined, retries: 0, failedItems: 0 };
    this.#active.set(name, active);
    const fail = (error: unknown): void => this.#end(step, active, { error });
    if (deadline !== ofRun)
      active.timer = deadline.onPassed(() => fail(deadline.error(`in stage "${name}" of run ${run}`)));
    if (isStage(step)) tell({ type: "stage.started", stage: name });
    try {
      const outcome = step.perform(this.#read(step), this.#scope(name, active, deadline));
      if (!isThenable(outcome)) return this.#end(step, active, { value: outcome });
      outcome.then((value) => this.#end(step, active, { value }), fail);
    } catch (error) {
      fail(error);
    }
  }

  /** The first end counts: what comes after it, or after the run, is nobody's. */
  #end(step: Step, active: Active, how: { readonly value: unknown } | { readonly error: unknown }): void {
    const { name, kind } = step.node;
    if (this.#active.get(name) !== active) return;
    this.#active.delete(name);
    const { plan, clock } = this.#order;
    const { retries, failedItems, startedAtMs, controller, timer } = active;
    timer?.cancel();
    const measures = { durationMs: clock.now() - startedAtMs, retries, failedItems };
    const send = (type: "completed" | "skipped" | "failed", end: StageEnd): void =>
      this.#send({ type: `${name}.${type}`, node: name, end } satisfies NodeEnded<StageEnd>);
    if ("value" in how) {
      const holds = kind !== "when" || Boolean(how.value);
      return send(holds ? "completed" : "skipped", { value: how.value, ...measures });
    }
    const error = stageError(plan.dag.pipeline, name, how.error);
    controller.abort(error);
    send("failed", { error, ...measures });
  }

  #tellEnd({ node: { name }, toleratesFailure }: Step, end: StageEnd): void {
    const { error, durationMs, failedItems } = end;
    this.#order.stageSettled(name, end);
    this.#order.tell(
      error === undefined
        ? { type: "stage.completed", stage: name, durationMs, failedItems }
        : { type: "stage.failed", stage: name, durationMs, error, tolerated: toleratesFailure },
    );
  }

  #step(name: string): Step {
    return this.#order.plan.steps.get(name)!;
  }

  #read({ node }: Step): Readonly<Record<string, unknown>> {
    return Object.fromEntries(["input", ...node.reads].map((name) => [name, this.#results.get(name)]));
  }

  #scope(name: string, active: Active, deadline: Deadline): StepScope {
    const { run, plan, clock, random, affinity, budget, runNested, tell } = this.#order;
    const { signal } = active.controller;
    return {
      signal,
      deadline,
      run,
      clock,
      random,
      affinity,
      budget,
      runNested: (pipeline, input) => runNested({ signal, deadline, budget, affinity }, pipeline, input),
      onRetry(attempt, error) {
        active.retries += 1;
        tell({
          type: "stage.retried",
          stage: name,
          attempt,
          error: stageError(plan.dag.pipeline, name, error),
        });
      },
      onItemFailed() {
        active.failedItems += 1;
      },
    };
  }

  #release(reason: unknown): void {
    for (const { controller, timer } of this.#active.values()) {
      timer?.cancel();
      controller.abort(reason);
    }
    this.#active.clear();
  }
}

/** Conditions and the output are not told of: they are part of the graph, not of the work. */
function isStage({ node }: Step): boolean {
  return node.kind === "stage" || node.kind === "map";
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
