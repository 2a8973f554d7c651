import type { Clock, DspexError } from "@dspex/core";
import { dynamicSupervisorSpec, startChild, type ChildSpec, type Registry } from "@dspex/supervisors";
import type { BearsReleases } from "./birth.ts";
import type { Call } from "./call.ts";
import { CallQueue, type QueueLimits } from "./call-queue.ts";
import { notTaken, queueFull, queueTimeout } from "./refusals.ts";
import type { BootRecord, WorkerSurroundings } from "./worker-life.ts";
import { workerMachine } from "./worker.ts";

export interface JobsOptions {
  /** The registered name of the supervisor of jobs. */
  readonly name: string;
  /** Jobs at a time. */
  readonly limit: number;
  /** How many may wait. */
  readonly limits: QueueLimits;
  /** How long, for those that do not say so themselves, in milliseconds. */
  readonly queueTimeoutMs: number;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly around: Omit<WorkerSurroundings, "bear" | "onReady" | "onBootFailed" | "onRoom"> & BearsReleases;
  /** Settles a job that is not run. */
  readonly reject: (call: Call, error: DspexError) => void;
}

/** The job lane of a pool: calls that get a process of their own, one each, so that they take no place from any other call. */
export interface Jobs {
  /** @param again it had its place already: its process died under it. */
  submit(call: Call, again: boolean): void;
  /**
   * Runs a call that is no job in a process of its own, at once.
   *
   * @param onNoProcess such a process does not become ready.
   */
  runAlone(call: Call, onNoProcess: () => void): void;
}

/**
 * A job's process is a worker like any other, which is given one call and then leaves; a job that is cancelled and does not end is ended
 * with its process group, as a worker is (G3). It is `temporary` under a dynamic supervisor: nothing is to be done in its place.
 */
export function createJobs(options: JobsOptions): { readonly jobs: Jobs; readonly spec: ChildSpec } {
  const { name, limit, clock, registry, around, reject } = options;
  const { pool } = around;
  const queue = new CallQueue<Call>(options.limits);
  const boots: BootRecord = { failures: 0 };
  let running = 0;
  let started = 0;

  /** Gives a call its process, and resolves when that is gone. Whatever happens, the call is settled then, or queued again. */
  const run = async (call: Call, onNoProcess: (error: DspexError) => void): Promise<void> => {
    const id = `job-${(started += 1)}`;
    let taken = false;
    let leave = (): void => {};
    const machine = workerMachine(`${pool}.${id}`, boots, {
      ...around,
      options: { ...around.options, maxInFlight: 1 },
      bear: around.bearOf(around.options),
      onReady(session, retire) {
        if (call.settled) return retire();
        taken = true;
        leave = retire;
        session.run(call);
      },
      onBootFailed(error) {
        taken = true;
        onNoProcess(error);
      },
      onRoom: () => leave(),
    });
    try {
      const supervisor = registry.whereis(name);
      if (supervisor === undefined) return;
      const ref = await startChild(supervisor, {
        id,
        restart: "temporary",
        start: () => machine,
        // As for workers: the machine kills its process when it does not drain in time.
        shutdown: around.options.drainTimeoutMs + 1_000,
      });
      if (ref === undefined) return;
      call.onAbandon = () => ref.send({ type: "retire" });
      await new Promise<void>((resolve) => ref.subscribe({ complete: resolve, error: () => resolve() }));
    } catch {
      // The supervisor ended before it had answered.
    } finally {
      if (!taken) reject(call, notTaken("ERR_POOL_RESTARTED", pool));
    }
  };
  const startNext = (): void => {
    for (; running < limit && queue.size > 0; running += 1) {
      const call = queue.shift()!;
      void run(call, (error) => call.fail(error)).then(() => {
        running -= 1;
        startNext();
      });
    }
  };

  return {
    spec: dynamicSupervisorSpec("jobs", {}, { name }),
    jobs: {
      submit(call, again) {
        call.queued(clock.now());
        const place = again ? queue.pushAgain(call) : queue.push(call);
        if (typeof place === "string")
          return reject(call, queueFull(pool, options.limits, place, call.request.tenant));
        call.onAbandon = () => queue.leave(place);
        const { queueTimeoutMs = options.queueTimeoutMs } = call.request;
        call.limitWait(queueTimeoutMs, clock, () => reject(call, queueTimeout(pool, queueTimeoutMs)));
        startNext();
      },
      runAlone(call, onNoProcess) {
        call.queued(clock.now());
        void run(call, onNoProcess);
      },
    },
  };
}
