import path from "node:path";
import { createId, deferred, DspexError, durationOption, messageOf, systemClock } from "@dspex/core";
import { createLearner, type Explanation, type Learner } from "@dspex/orchestrator";
import {
  createPipelineRunner,
  pipelinesSpec,
  type Pipeline,
  type PipelineRun,
  type RunOptions,
} from "@dspex/pipelines";
import {
  createProcessLedger,
  readProcess,
  registerRun,
  spawnProcess,
  type Pool,
  type PoolChanges,
  type WorkerStatus,
} from "@dspex/pool";
import {
  createProgram,
  createPythonFunction,
  poolOf,
  type ModuleName,
  type ModuleOutput,
  type Program,
  type ProgramOptions,
  type PythonFunction,
  type PythonFunctionOptions,
} from "@dspex/programs";
import { runsRoot } from "@dspex/python-bridge/environment";
import { createSessions, type Session, type SessionOptions } from "@dspex/sessions";
import type { Signature } from "@dspex/signatures";
import {
  createRegistry,
  startApplication,
  stopOnSignals,
  type Application,
  type Inspector,
  type TreeNode,
} from "@dspex/supervisors";
import { createTelemetryBus, type TelemetryBus } from "@dspex/telemetry";
import { logObserverSpec } from "./log-observer.ts";
import { createResources } from "./resources.ts";
import type { RuntimeOptions } from "./runtime-options.ts";
import { reportTelemetry } from "./supervisor-reports.ts";
import { applicationTree } from "./tree.ts";

/** A running DSPex: the supervision tree, and the ways to call Python through it. Leaving its scope stops it. */
export interface Runtime extends AsyncDisposable {
  /** Marks every process of this runtime, as `DSPEX_RUN_ID` in its environment. */
  readonly runId: string;
  /** Everything that happens, as typed events. */
  readonly telemetry: TelemetryBus;
  /**
   * A DSPy program over a signature. Making one costs nothing: workers build it at its first call.
   *
   * @throws DspexError `ERR_INVALID_OPTION` for an unknown module, endpoint or parameter.
   */
  program<In, Out, M extends ModuleName = "Predict">(
    signature: Signature<In, Out>,
    options?: ProgramOptions<M>,
  ): Program<In, ModuleOutput<M, Out>>;
  /** A plain Python function, `"package.module:name"`; a generator yields `Item`s. */
  pythonFunction<Args extends readonly unknown[], Result, Item = unknown>(
    path: string,
    options?: PythonFunctionOptions,
  ): PythonFunction<Args, Result, Item>;
  /**
   * Runs a pipeline, as an actor of its own under `work/pipelines`. Whatever is wrong with the input or the application is
   * the run's outcome.
   *
   * @throws DspexError `ERR_INVALID_OPTION` for a bad option.
   */
  run<In, Out>(pipeline: Pipeline<In, Out>, input: NoInfer<In>, options?: RunOptions): PipelineRun<Out>;
  /**
   * The conversation of this id: the one that lives, or a new one, as an actor of its own under `work/sessions`.
   *
   * @throws DspexError `ERR_INVALID_OPTION`; `ERR_SESSIONS_FULL`; `ERR_NO_PROCESS` when the runtime has stopped.
   */
  session(id: string, options?: SessionOptions): Promise<Session>;
  /** What was learnt of operations and endpoints. */
  readonly learner: Pick<Learner, "insights">;
  /** Why a call went where it went: what was chosen, among what, and on which numbers; known of the latest 10,000 calls. */
  explain(callId: string): Explanation | undefined;
  /** The workers that are ready at this moment, over all pools. */
  workers(): readonly WorkerStatus[];
  /**
   * What the threads of a worker are doing, as Python's own stacks, the main thread's last: also while it hangs. Empty when it does not
   * say so, because the system has stopped it.
   *
   * @param worker its name, as `workers()` has it.
   * @throws DspexError `ERR_INVALID_OPTION` when no worker of this name is ready.
   */
  stacks(worker: string): Promise<string>;
  /**
   * Moves a pool onto other Python code or another environment, worker by worker, without losing a call: one worker with the changes is
   * started beside the others, and when it is ready, each of the others is replaced in turn, once another is ready in its stead. Calls in
   * flight finish where they are, on the code that they began with. Resolves when all workers have the changes. Without changes it is
   * a rolling restart.
   *
   * @param pool its name.
   * @param changes what is left out stays as it is; `env` is replaced as a whole.
   * @throws DspexError `ERR_INVALID_OPTION`; `ERR_WORKER_BOOT` when the first worker does not become ready, and then nothing has
   * changed; `ERR_ROLLOUT_IN_PROGRESS`; `ERR_POOL_STOPPED`; `ERR_RUNTIME_STOPPED`.
   */
  rollOut(pool: string, changes?: PoolChanges): Promise<void>;
  /** The supervision tree as it is, as plain JSON. */
  tree(): TreeNode;
  /**
   * Attaches an XState inspector while the runtime runs; returns how to detach it. It is told of every actor that lives, and
   * then hears all that happens.
   */
  inspect(inspector: Inspector): () => void;
  /** The supervision tree itself: its root, for the management calls of `@dspex/supervisors`, and its named actors. */
  readonly application: Application;
  /** Settles when the runtime has ended, by `stop` or because its root gave up; never rejects. */
  readonly finished: Promise<unknown>;
  /** Lets calls in flight finish, then ends everything, in reverse order. Idempotent: all callers wait for the one stop. */
  stop(): Promise<void>;
}

/**
 * Starts the tree and resolves when every pool has a worker that takes calls.
 *
 * @throws DspexError `ERR_INVALID_OPTION`; `ERR_PYTHON_ENVIRONMENT` when there is no Python environment yet;
 * `ERR_WORKER_BOOT` when workers cannot start; `ERR_RUNTIME_STOPPED` when the tree gave up. Nothing is left running then.
 */
export async function startRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const clock = systemClock;
  const runId = createId("run");
  const drainTimeoutMs = durationOption("drainTimeoutMs", options.drainTimeoutMs, { default: 10_000 });
  const telemetry = createTelemetryBus(clock);
  options.subscribe?.(telemetry);
  const registry = createRegistry();
  const ledger = createProcessLedger();
  const random = Math.random;
  const runFile = path.join(runsRoot(), runId);
  const ports = {
    runId,
    runFile,
    clock,
    random,
    spawn: spawnProcess,
    readProcess,
    ledger,
    telemetry,
    registry,
  };
  const { endpoints, pools, specs } = createResources(options, ports);
  const { sessions, spec: sessionsSpec } = createSessions({}, ports);
  const { learner, spec: learnerSpec } = createLearner(options.learner ?? {}, ports);

  await registerRun(runFile, runId, readProcess).catch((error: unknown) =>
    telemetry.emit("pool.run.unregistered", { runId, file: runFile, reason: messageOf(error) }),
  );
  const application = await startApplication({
    ...applicationTree({
      ...specs,
      observers: options.log === undefined ? [] : [logObserverSpec(telemetry, options.log)],
      work: [sessionsSpec, pipelinesSpec()],
      learner: learnerSpec,
      user: options.children ?? [],
    }),
    clock,
    registry,
    onReport: reportTelemetry(telemetry),
    ...(options.inspect === undefined ? {} : { inspect: options.inspect }),
  });
  try {
    await Promise.race([Promise.all(pools.map((pool) => pool.ready())), gaveUp(application, runId)]);
  } catch (error) {
    await application.stop();
    throw error;
  }

  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= drainAndStop(pools, application, drainTimeoutMs));
  const releaseSignals = options.handleSignals === true ? stopOnSignals(stop) : () => {};
  void application.finished.then(releaseSignals);

  const callers = {
    pools: new Map(pools.map((pool) => [pool.name, pool])),
    clock,
    createId,
    telemetry,
    endpoints: new Set(endpoints.keys()),
    strategist: learner,
  };
  const runner = createPipelineRunner({ ...ports, createId });
  return {
    runId,
    telemetry,
    program: (signature, programOptions = {}) => createProgram(signature, programOptions, callers),
    pythonFunction: (path, functionOptions = {}) => createPythonFunction(path, functionOptions, callers),
    run: (pipeline, input, runOptions) => runner.run(pipeline, input, runOptions),
    session: (id, sessionOptions) => sessions.open(id, sessionOptions),
    learner,
    explain: (callId) => learner.explain(callId),
    workers: () => pools.flatMap((pool) => pool.workers()),
    stacks(worker) {
      const owner = pools.find((pool) => pool.workers().some((status) => status.worker === worker));
      return (owner ?? pools[0]).stacks(worker);
    },
    async rollOut(name, changes = {}) {
      await Promise.race([poolOf(name, callers.pools).rollOut(changes), gaveUp(application, runId)]);
    },
    tree: () => application.tree(),
    inspect: (inspector) => application.inspect(inspector),
    application,
    finished: application.finished,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Calls in flight get their time; then the tree stops, and what is still there fails. */
async function drainAndStop(
  pools: readonly Pool[],
  application: Application,
  drainTimeoutMs: number,
): Promise<void> {
  const drained = Promise.all(pools.map((pool) => pool.drain()));
  const patience = deferred<void>();
  const timer = systemClock.setTimeout(() => patience.resolve(), drainTimeoutMs);
  await Promise.race([drained, application.finished, patience.promise]);
  timer.cancel();
  await application.stop();
}

/** Rejects when the tree has ended: nobody is left who could become ready. */
async function gaveUp(application: Application, runId: string): Promise<never> {
  const reason = await application.finished;
  throw new DspexError(
    "ERR_RUNTIME_STOPPED",
    "The runtime has ended: its supervisors report why (telemetry `supervisor.report`).",
    {
      details: { runId },
      cause: typeof reason === "object" && "error" in reason ? reason.error : reason,
    },
  );
}
