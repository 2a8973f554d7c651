import { createManualClock, DspexError, systemClock, type Clock } from "@dspex/core";
import {
  createPipelineRunner,
  pipelinesSpec,
  type PipelineEvent,
  type PipelineRun,
  type PipelineRunner,
} from "@dspex/pipelines";
import type { Callable, CallOptions, Outcome } from "@dspex/programs";
import {
  createRegistry,
  startApplication,
  whichChildren,
  type Application,
  type SupervisorReport,
} from "@dspex/supervisors";
import { createTelemetryBus, type TelemetryBus } from "@dspex/telemetry";
import type { AnyActorRef } from "xstate";

/** Pipelines under test: a real supervision tree with nothing in it but their supervisor. */
export interface Stage extends AsyncDisposable {
  readonly app: Application;
  readonly runner: PipelineRunner;
  readonly telemetry: TelemetryBus;
  readonly reports: readonly SupervisorReport[];
  /** The supervisor of the runs. */
  supervisor(): AnyActorRef;
  /** The actors of the runs that live, by their id. */
  actors(): Promise<ReadonlyMap<string, AnyActorRef>>;
}

export async function startStage(clock: Clock = systemClock): Promise<Stage> {
  const telemetry = createTelemetryBus(clock);
  const registry = createRegistry();
  const reports: SupervisorReport[] = [];
  const app = await startApplication({
    children: [pipelinesSpec()],
    clock,
    registry,
    onReport: (report) => void reports.push(report),
  });
  let ids = 0;
  const createId = (prefix: string): string => `${prefix}-${++ids}`;
  const runner = createPipelineRunner({ registry, clock, random: () => 0, createId, telemetry });
  const supervisor = (): AnyActorRef => registry.whereis("pipelines")!;
  return {
    app,
    runner,
    telemetry,
    reports,
    supervisor,
    async actors() {
      const children = await whichChildren(supervisor());
      return new Map(
        children.flatMap(({ id, ref }) => (typeof ref === "object" ? [[id, ref] as const] : [])),
      );
    },
    [Symbol.asyncDispose]: () => app.stop(),
  };
}

export { createManualClock };

/** A program that answers with `answer`, and remembers what it was asked with. */
export function fakeProgram<In, Out>(
  answer: (input: In, options: CallOptions, attempt: number) => Out | Promise<Out>,
  attempts = 1,
): Callable<In, Out> & { readonly calls: { readonly input: In; readonly options: CallOptions }[] } {
  const calls: { input: In; options: CallOptions }[] = [];
  const tryCall = async (input: In, options: CallOptions = {}): Promise<Outcome<Out>> => {
    calls.push({ input, options });
    for (let further = 1; further < attempts; further += 1) options.budget?.take();
    const meta = {
      callId: `call-${calls.length}`,
      operation: "Predict:fake",
      mode: "python" as const,
      pool: "dspy",
      attempts,
      durationMs: 0,
      queueMs: 0,
      lmCalls: 0,
      usage: {},
      adapterFallback: false,
    };
    try {
      return { ok: true, value: await answer(input, options, calls.length), meta };
    } catch (error) {
      return { ok: false, error: error as DspexError, meta };
    }
  };
  return {
    operation: "Predict:fake",
    calls,
    tryCall,
    async call(input, options) {
      const outcome = await tryCall(input, options);
      if (outcome.ok) return outcome.value;
      throw outcome.error;
    },
  };
}

/** Never answers, and says when it was told to stop. */
export function hanging<In = unknown>(): {
  readonly target: (input: In, scope: { readonly signal: AbortSignal }) => Promise<never>;
  readonly started: Promise<void>;
  readonly aborted: Promise<unknown>;
} {
  let start!: () => void;
  let abort!: (reason: unknown) => void;
  const started = new Promise<void>((resolve) => (start = resolve));
  const aborted = new Promise<unknown>((resolve) => (abort = resolve));
  return {
    started,
    aborted,
    target: (_input, { signal }) => {
      signal.addEventListener("abort", () => abort(signal.reason));
      start();
      return new Promise<never>(() => {});
    },
  };
}

/** All events of a run that has an end, as `type stage`. */
export async function wordsOf(run: PipelineRun<unknown>): Promise<string[]> {
  return (await eventsOf(run)).map((event) =>
    "stage" in event && event.stage !== undefined ? `${event.type} ${event.stage}` : event.type,
  );
}

export async function eventsOf(run: PipelineRun<unknown>): Promise<PipelineEvent[]> {
  const events: PipelineEvent[] = [];
  for await (const event of run.events) events.push(event);
  return events;
}

/** The code of what a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return DspexError.is(error) ? error.code : `not ours: ${String(error)}`;
  }
}

/** Stages that end when the test says so, and the order of what happened. */
export function gates(): {
  readonly happened: string[];
  readonly target: (name: string) => () => Promise<string>;
  /** Lets a stage end, and everything happen that follows from that. */
  readonly open: (name: string) => Promise<void>;
  readonly fail: (name: string, error: unknown) => Promise<void>;
} {
  const happened: string[] = [];
  const waiting = new Map<string, { resolve: (value: string) => void; reject: (error: unknown) => void }>();
  return {
    happened,
    target: (name) => () => {
      happened.push(`+${name}`);
      return new Promise((resolve, reject) => waiting.set(name, { resolve, reject }));
    },
    async open(name) {
      happened.push(`-${name}`);
      waiting.get(name)!.resolve(name);
      await turns();
    },
    async fail(name, error) {
      happened.push(`!${name}`);
      waiting.get(name)!.reject(error);
      await turns();
    },
  };
}

/** Lets everything happen that is due now. */
export function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
