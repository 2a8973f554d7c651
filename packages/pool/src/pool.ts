import { deferred, DspexError, invalidOption, type Clock, type Deferred } from "@dspex/core";
import { dynamicSupervisorSpec, supervisorSpec, type ChildSpec, type Registry } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";
import { Admission } from "./admission.ts";
import { Pins, strictKey } from "./affinity.ts";
import { bearBy } from "./birth.ts";
import { Call, maxCallDepth, type CallOutcome, type CallRequest } from "./call.ts";
import { Crew } from "./crew.ts";
import { dispatcherSpec, type DispatcherMessage } from "./dispatcher.ts";
import { createJobs } from "./jobs.ts";
import { changePoolOptions, type PoolChanges, type ResolvedPoolOptions } from "./options.ts";
import type { SpawnProcess } from "./os-process.ts";
import type { ProcessLedger } from "./process-ledger.ts";
import type { ReadProcess } from "./process-state.ts";
import { notTaken } from "./refusals.ts";
import { sizeControllerSpec } from "./size-controller.ts";
import { StartGate } from "./start-gate.ts";
import type { UpcallHandler } from "./upcall.ts";
import type { WorkerSession } from "./worker-session.ts";
import { createZygote } from "./zygote.ts";

/** What a pool needs from around it. */
export interface PoolPorts {
  readonly runId: string;
  readonly clock: Clock;
  /** Numbers in [0, 1), for the jitter of back-off. */
  readonly random: () => number;
  readonly spawn: SpawnProcess;
  readonly readProcess: ReadProcess;
  readonly ledger: ProcessLedger;
  readonly telemetry: TelemetryBus;
  readonly upcalls: UpcallHandler;
  readonly registry: Registry;
}

/** A worker that is ready. */
export interface WorkerStatus {
  readonly worker: string;
  readonly pid: number;
  /** Calls that it has not answered. */
  readonly inFlight: number;
  /** It takes no calls until it has the place of one that is gone. */
  readonly spare: boolean;
}

/** A pool of Python workers, as its callers hold it. It stays the same while everything behind it is restarted. */
export interface Pool {
  readonly name: string;
  /** Runs a call. Always resolves, exactly once (G1). */
  call(request: CallRequest): Promise<CallOutcome>;
  /**
   * Resolves when a worker is ready.
   *
   * @throws DspexError `ERR_WORKER_BOOT` when the first worker to finish booting failed.
   */
  ready(): Promise<void>;
  /** Takes no further calls, but those that are made inside of the ones that it has, and resolves when all are settled. */
  drain(): Promise<void>;
  /** The workers that are ready at this moment, those that take calls first. */
  workers(): readonly WorkerStatus[];
  /**
   * Moves the pool onto other code or another environment, worker by worker, without losing a call: one worker with the changes is started
   * beside the others, and when it is ready, each of the others is replaced in turn. Calls that are in flight finish where they
   * are. Resolves when all workers have the changes; with none of them, it is a rolling restart.
   *
   * @throws DspexError `ERR_INVALID_OPTION`; `ERR_WORKER_BOOT` when the first worker does not become ready, and then nothing has
   * changed; `ERR_ROLLOUT_IN_PROGRESS`; `ERR_POOL_STOPPED`.
   */
  rollOut(changes: PoolChanges): Promise<void>;
  /**
   * What the threads of a worker are doing ({@link readStacks}).
   *
   * @throws DspexError `ERR_INVALID_OPTION` when no worker of this name is ready.
   */
  stacks(worker: string): Promise<string>;
}

/**
 * Makes a pool: its handle, and the supervisor that `tree.ts` puts under `pools`.
 *
 * `<pool>` is one_for_one over the zygote, the dispatcher, the workers and what sees to their number: each of them can die without harm to the
 * others.
 */
export function createPool(
  name: string,
  options: ResolvedPoolOptions,
  ports: PoolPorts,
): { pool: Pool; spec: ChildSpec } {
  const { clock, telemetry } = ports;
  const dispatcher = `pool.${name}.dispatcher`;
  const workersName = `pool.${name}.workers`;
  const sizeName = `pool.${name}.size`;
  const inbox = new Set<Call>();
  const pins = new Pins<WorkerSession>();
  const admission = new Admission({
    ...options,
    pool: name,
    clock,
    telemetry,
    deserted: () => crew.roster.serving.size === 0,
  });
  const first = deferred<void>();
  // Nobody may be waiting for readiness; a failed boot is reported by the supervisor in any case.
  first.promise.catch(() => {});
  const limits = { limit: options.queueLimit, tenantLimit: options.tenantQueueLimit };
  let pending = 0;
  /** Of those, the ones that take room in a worker. */
  let wanting = 0;
  let draining: Deferred<void> | undefined;

  const tell = (message: DispatcherMessage): boolean => {
    const ref = ports.registry.whereis(dispatcher);
    ref?.send(message);
    return ref !== undefined;
  };
  const reject = (call: Call, error: DspexError): void => {
    if (call.settled) return;
    telemetry.emit("pool.call.rejected", { pool: name, callId: call.request.callId, code: error.code });
    call.abandon(error);
  };
  const queue = (call: Call, type: "call" | "again"): void => {
    if (call.request.lane === "job") return jobs.submit(call, type === "again");
    inbox.add(call);
    if (tell({ type, call })) return;
    inbox.delete(call);
    reject(call, notTaken("ERR_POOL_RESTARTED", name));
  };
  const submit = (call: Call, type: "call" | "again", cause?: DspexError): void => {
    const verdict = admission.admit(call, cause);
    if (verdict === undefined) return queue(call, type);
    if (verdict === "alone") return jobs.runAlone(call, () => queue(call, type));
    reject(call, verdict);
  };
  const rescue = (call: Call, error: DspexError<"ERR_WORKER_CRASHED">): void => {
    const { request } = call;
    const key = strictKey(request.affinity);
    if (key !== undefined) pins.release(key);
    const seen = (request.stream?.received ?? 0) > 0;
    if (!request.idempotent || seen || key !== undefined || request.deadline.passed || !request.budget.take())
      return call.fail(lostWith(error, request));
    const { worker } = error.details;
    telemetry.emit("pool.call.retried", {
      pool: name,
      callId: request.callId,
      worker,
      attempt: call.attempts + 1,
    });
    submit(call, "again", error);
  };

  const sessions = (): readonly WorkerSession[] => [...crew.roster.serving, ...crew.roster.spares];
  const wake = (): void => ports.registry.whereis(sizeName)?.send({ type: "look" });
  const room = (): void => void tell({ type: "room" });
  const gate = new StartGate(options.startConcurrency);
  /** @param alone whether a process that is gone had one call and was given no other. */
  const sharedBy = (alone: boolean) => ({
    ...ports,
    pool: name,
    bearOf: (release: ResolvedPoolOptions) => bearBy(ports.spawn, zygote?.of(release)),
    gate,
    get options(): ResolvedPoolOptions {
      return crew.options;
    },
    onGone(session: WorkerSession, lost: readonly Call[], error: DspexError<"ERR_WORKER_CRASHED">) {
      admission.died(lost, alone);
      for (const call of lost) rescue(call, error);
      pins.forget(session);
      room();
    },
    onReturned: (call: Call) => queue(call, "again"),
    onEnded: wake,
  });
  const zygote = options.zygote
    ? createZygote({ ...ports, pool: name, release: () => crew.options })
    : undefined;
  const crew: Crew = new Crew({
    ...ports,
    pool: name,
    options,
    around: sharedBy(false),
    onRoom: room,
    onReady() {
      admission.booted();
      first.resolve();
    },
    onBootFailed(error) {
      first.reject(error);
      admission.bootFailed(error);
      const refusal = admission.unavailable;
      if (refusal !== undefined) tell({ type: "refuse", error: refusal });
    },
    wake,
  });
  const { jobs, spec: jobsSpec } = createJobs({
    name: `pool.${name}.jobs`,
    limit: options.jobs,
    clock,
    registry: ports.registry,
    around: sharedBy(true),
    limits,
    queueTimeoutMs: options.queueTimeoutMs,
    reject,
  });
  const workers = dynamicSupervisorSpec(
    "workers",
    {
      // Failed boots are slowed down by back-off and stay far below this; only workers that become ready and die at
      // once, again and again, are more than it can stand.
      intensity: 20 * (options.size.max + options.spares),
      periodMs: 10_000,
    },
    { name: workersName },
  );

  const spec = supervisorSpec(name, {
    strategy: "one_for_one",
    intensity: 3,
    periodMs: 5_000,
    children: [
      // Before the workers, so that they are forked from the first on.
      ...(zygote === undefined ? [] : [zygote.spec]),
      dispatcherSpec(dispatcher, {
        pool: name,
        limits,
        queueTimeoutMs: options.queueTimeoutMs,
        clock,
        telemetry,
        inbox,
        workers: crew.roster.serving,
        pins,
        reject,
      }),
      jobsSpec,
      {
        ...workers,
        start(scope) {
          // A dynamic supervisor comes back without its children.
          wake();
          return workers.start(scope);
        },
      },
      sizeControllerSpec({
        ...ports,
        name: sizeName,
        workers: workersName,
        pool: name,
        crew,
        calls: () => wanting,
      }),
    ],
  });

  const pool: Pool = {
    name,
    call(request) {
      return new Promise<CallOutcome>((resolve) => {
        const wants = request.lane !== "job" && (request.depth ?? 0) === 0 ? 1 : 0;
        pending += 1;
        wanting += wants;
        const call = new Call(request, (outcome) => {
          pending -= 1;
          wanting -= wants;
          if (pending === 0) draining?.resolve();
          admission.settled(call, outcome);
          resolve(outcome);
        });
        // What a call in flight asks for is part of it.
        if (draining !== undefined && (request.depth ?? 0) === 0)
          return call.fail(notTaken("ERR_POOL_STOPPED", name));
        if ((request.depth ?? 0) > maxCallDepth) return call.fail(tooDeep());
        call.watch();
        if (!call.settled) submit(call, "call");
      });
    },
    ready: () => first.promise,
    drain() {
      draining ??= deferred<void>();
      crew.endRollOut(notTaken("ERR_POOL_STOPPED", name));
      if (pending === 0) draining.resolve();
      return draining.promise;
    },
    async stacks(worker) {
      for (const session of sessions()) if (session.workerId === worker) return session.stacks();
      throw invalidOption("worker", worker, "the name of a worker that is ready, as workers() has it");
    },
    workers: () =>
      sessions().map(({ workerId, pid, inFlight, place }) => ({
        worker: workerId,
        pid,
        inFlight,
        spare: place === 0,
      })),
    async rollOut(changes) {
      if (draining !== undefined) throw notTaken("ERR_POOL_STOPPED", name);
      await crew.rollTo(changePoolOptions("changes", crew.options, changes));
    },
  };
  return { pool, spec };
}

function tooDeep(): DspexError<"ERR_CALLS_TOO_DEEP"> {
  return new DspexError(
    "ERR_CALLS_TOO_DEEP",
    `Python and the host have called each other ${maxCallDepth} times in turn, and may not once more. Most likely they do so without end.`,
    { details: { limit: maxCallDepth } },
  );
}

/** What the worker's end means to one call that was in flight. */
function lostWith(
  error: DspexError<"ERR_WORKER_CRASHED">,
  { affinity, idempotent }: CallRequest,
): DspexError<"ERR_WORKER_CRASHED"> {
  const advice =
    strictKey(affinity) !== undefined
      ? "It was to run there and nowhere else."
      : idempotent
        ? "It has no further attempt or time, or had delivered items."
        : "Mark the call idempotent to have it run again elsewhere.";
  const { details, retryable } = error;
  return new DspexError("ERR_WORKER_CRASHED", `${error.message} The call was in flight. ${advice}`, {
    details,
    retryable,
  });
}
