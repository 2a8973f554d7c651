import { deferred, DspexError, invalidOption, type Clock, type Deferred } from "@dspex/core";
import { supervisorSpec, type ChildSpec, type Registry } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";
import { Call, maxCallDepth, type CallOutcome, type CallRequest } from "./call.ts";
import { dispatcherSpec, queueFull, type DispatcherMessage } from "./dispatcher.ts";
import { createJobs } from "./jobs.ts";
import type { ResolvedPoolOptions } from "./options.ts";
import type { SpawnProcess } from "./os-process.ts";
import type { ProcessLedger } from "./process-ledger.ts";
import type { ReadProcess } from "./process-state.ts";
import type { UpcallHandler } from "./upcall.ts";
import type { WorkerSession } from "./worker-session.ts";
import { workerMachine, type BootRecord, type WorkerSurroundings } from "./worker.ts";

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

/** A worker that takes calls. */
export interface WorkerStatus {
  readonly worker: string;
  readonly pid: number;
  /** Calls that it has not answered. */
  readonly inFlight: number;
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
  /** Takes no further calls and resolves when those that it has are settled. */
  drain(): Promise<void>;
  /** The workers that are ready at this moment. */
  workers(): readonly WorkerStatus[];
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
 * `<pool>` is one_for_one over the dispatcher and the workers: each of them can die without harm to the others.
 */
export function createPool(
  name: string,
  options: ResolvedPoolOptions,
  ports: PoolPorts,
): { pool: Pool; spec: ChildSpec } {
  const { clock, telemetry } = ports;
  const dispatcher = `pool.${name}.dispatcher`;
  const workers = new Set<WorkerSession>();
  const inbox = new Set<Call>();
  const first = deferred<void>();
  // Nobody may be waiting for readiness; a failed boot is reported by the supervisor in any case.
  first.promise.catch(() => {});
  let pending = 0;
  let draining: Deferred<void> | undefined;

  const tell = (message: DispatcherMessage): boolean => {
    const ref = ports.registry.whereis(dispatcher);
    ref?.send(message);
    return ref !== undefined;
  };
  const submit = (call: Call, type: "call" | "again"): void => {
    if (call.request.lane === "job") return jobs.submit(call, type === "again");
    inbox.add(call);
    if (tell({ type, call })) return;
    inbox.delete(call);
    call.fail(notTaken("ERR_POOL_RESTARTED", name));
  };
  const rescue = (call: Call, error: DspexError<"ERR_WORKER_CRASHED">): void => {
    const { request } = call;
    const seen = (request.stream?.received ?? 0) > 0;
    if (!request.idempotent || seen || request.deadline.passed || !request.budget.take())
      return call.fail(lostWith(error, request.idempotent));
    const { worker } = error.details;
    telemetry.emit("pool.call.retried", {
      pool: name,
      callId: request.callId,
      worker,
      attempt: call.attempts + 1,
    });
    submit(call, "again");
  };

  const shared = {
    ...ports,
    pool: name,
    options,
    onGone(session: WorkerSession, lost: readonly Call[], error: DspexError<"ERR_WORKER_CRASHED">) {
      workers.delete(session);
      for (const call of lost) rescue(call, error);
    },
    onReturned: (call: Call) => submit(call, "again"),
  };
  const around: WorkerSurroundings = {
    ...shared,
    onReady(session) {
      workers.add(session);
      first.resolve();
      tell({ type: "room" });
    },
    onBootFailed: (error) => first.reject(error),
    onRoom: () => void tell({ type: "room" }),
  };
  const { jobs, spec: jobsSpec } = createJobs({
    name: `pool.${name}.jobs`,
    limit: options.jobs,
    queueLimit: options.queueLimit,
    clock,
    registry: ports.registry,
    around: shared,
    queueFull: () => queueFull(name, options.queueLimit),
    notTaken: () => notTaken("ERR_POOL_RESTARTED", name),
  });
  const worker = (index: number): ChildSpec => {
    const boots: BootRecord = { failures: 0 };
    const id = `worker-${index}`;
    return {
      id,
      start: () => workerMachine(`${name}.${id}`, boots, around),
      // The machine kills its process when it does not drain in time; this is for the machine itself.
      shutdown: options.drainTimeoutMs + 1_000,
    };
  };

  const spec = supervisorSpec(name, {
    strategy: "one_for_one",
    intensity: 3,
    periodMs: 5_000,
    children: [
      dispatcherSpec(dispatcher, { pool: name, queueLimit: options.queueLimit, clock, inbox, workers }),
      jobsSpec,
      supervisorSpec("workers", {
        strategy: "one_for_one",
        // Failed boots are slowed down by back-off and stay far below this; only workers that become ready and die at
        // once, again and again, are more than it can stand.
        intensity: 20 * options.size,
        periodMs: 10_000,
        children: Array.from({ length: options.size }, (_, index) => worker(index + 1)),
      }),
    ],
  });

  const pool: Pool = {
    name,
    call(request) {
      return new Promise<CallOutcome>((resolve) => {
        pending += 1;
        const call = new Call(request, (outcome) => {
          pending -= 1;
          if (pending === 0) draining?.resolve();
          resolve(outcome);
        });
        if (draining !== undefined) return call.fail(notTaken("ERR_POOL_STOPPED", name));
        if ((request.depth ?? 0) > maxCallDepth) return call.fail(tooDeep());
        call.watch();
        if (!call.settled) submit(call, "call");
      });
    },
    ready: () => first.promise,
    drain() {
      draining ??= deferred<void>();
      if (pending === 0) draining.resolve();
      return draining.promise;
    },
    async stacks(worker) {
      for (const session of workers) if (session.workerId === worker) return session.stacks();
      throw invalidOption("worker", worker, "the name of a worker that is ready, as workers() has it");
    },
    workers: () => [...workers].map(({ workerId, pid, inFlight }) => ({ worker: workerId, pid, inFlight })),
  };
  return { pool, spec };
}

function notTaken(code: "ERR_POOL_RESTARTED" | "ERR_POOL_STOPPED", pool: string): DspexError {
  const why = code === "ERR_POOL_STOPPED" ? "is stopping" : "is being restarted";
  return new DspexError(code, `Pool "${pool}" ${why} and takes no call.`, {
    details: { pool },
    retryable: code === "ERR_POOL_RESTARTED",
  });
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
  idempotent: boolean,
): DspexError<"ERR_WORKER_CRASHED"> {
  const advice = idempotent
    ? "It has no further attempt or time, or had delivered items."
    : "Mark the call idempotent to have it run again elsewhere.";
  const { details, retryable } = error;
  return new DspexError("ERR_WORKER_CRASHED", `${error.message} The call was in flight. ${advice}`, {
    details,
    retryable,
  });
}
