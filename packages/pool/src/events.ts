import type { CircuitState, ErrorCode } from "@dspex/core";
import type { LogLevel } from "@dspex/python-bridge";
import type { Birth } from "./birth.ts";
import type { Verdict } from "./liveness.ts";
import type { RecycleReason } from "./recycle-reason.ts";

/** What the pool reports. */
export interface PoolEvents {
  /** A worker's process has begun. */
  "pool.worker.spawned": {
    readonly pool: string;
    readonly worker: string;
    readonly pid: number;
    readonly birth: Birth;
  };
  /** A worker answered the handshake. It takes calls once it has a place (`pool.worker.serving`). */
  "pool.worker.ready": {
    readonly pool: string;
    readonly worker: string;
    readonly pid: number;
    readonly birth: Birth;
    readonly bootMs: number;
    readonly python: string;
    readonly dspy: string;
    readonly seams: Readonly<Record<string, string>>;
  };
  /** A worker's process is gone. `exitCode` and `signal` are both `null` where its zygote was gone before it. */
  "pool.worker.exited": {
    readonly pool: string;
    readonly worker: string;
    readonly pid: number;
    readonly exitCode: number | null;
    readonly signal: string | null;
    /** Calls that were in flight. */
    readonly lost: number;
    /** The runtime asked it to. */
    readonly expected: boolean;
  };
  /** The zygote of a pool forks workers from now on. */
  "pool.zygote.ready": {
    readonly pool: string;
    readonly pid: number;
    readonly bootMs: number;
    /** Modules of the user that its workers share. */
    readonly modules: readonly string[];
  };
  /** The zygote of a pool is gone; its workers are not. */
  "pool.zygote.exited": {
    readonly pool: string;
    readonly pid: number;
    readonly exitCode: number | null;
    readonly signal: string | null;
    /** The end of what it wrote to its standard error, or which module does not survive a fork. */
    readonly stderr: string;
    /** The runtime asked it to. */
    readonly expected: boolean;
  };
  /** A line of a worker's output. */
  "pool.worker.log": {
    readonly pool: string;
    readonly worker: string;
    readonly source: string;
    readonly level: LogLevel;
    readonly text: string;
  };
  /** A worker answered a ping. */
  "pool.worker.heartbeat": {
    readonly pool: string;
    readonly worker: string;
    readonly lagMs: number;
    readonly inFlight: number;
    /** `null` where it could not be measured. */
    readonly rssBytes: number | null;
  };
  /** A worker left a ping unanswered. */
  "pool.worker.missed": {
    readonly pool: string;
    readonly worker: string;
    /** How many it are in a row. */
    readonly missed: number;
    /** What it does instead, judged from outside. */
    readonly verdict: Verdict;
  };
  /** A dead run was found in the registry of runs, and what was left of it was ended: its runtime and its guardian had been killed at once. */
  "pool.run.reaped": { readonly runId: string; readonly processes: number };
  /** The run could not be entered in the registry of runs: only its own guardian looks after it. */
  "pool.run.unregistered": { readonly runId: string; readonly file: string; readonly reason: string };
  /** A worker takes calls from now on: a fresh one, or a spare in the place of one that is gone. */
  "pool.worker.serving": { readonly pool: string; readonly worker: string; readonly place: number };
  /** A worker finishes its calls and leaves, because another one is ready in its stead. */
  "pool.worker.recycled": {
    readonly pool: string;
    readonly worker: string;
    /** Which of its limits it has reached; `rollout`: its code or environment is no longer the pool's. */
    readonly reason: RecycleReason | "rollout";
  };
  /** The pool wants another number of workers. */
  "pool.scaled": {
    readonly pool: string;
    readonly from: number;
    readonly to: number;
    /** Calls in flight and in the queue. */
    readonly calls: number;
  };
  /** All workers of the pool have the code and environment that it was rolled out onto. */
  "pool.rollout.completed": { readonly pool: string; readonly durationMs: number };
  /** The first worker with the new code or environment did not become ready; the others serve on. */
  "pool.rollout.refused": { readonly pool: string; readonly worker: string; readonly error: string };
  /** A worker's limit of calls at a time moved, because of the lag of its event loop. */
  "pool.worker.limit": {
    readonly pool: string;
    readonly worker: string;
    readonly limit: number;
    readonly lagMs: number;
  };
  /** A call waits for a worker. */
  "pool.call.queued": {
    readonly pool: string;
    readonly callId: string;
    readonly tenant: string | undefined;
    /** Calls in the queue, this one included. */
    readonly waiting: number;
  };
  /** A call settled because the pool did not run it: the queue, its worker, the breaker or quarantine stood against it. */
  "pool.call.rejected": { readonly pool: string; readonly callId: string; readonly code: ErrorCode };
  /** A call runs in a process of its own, because workers died with its target in flight. */
  "pool.call.isolated": { readonly pool: string; readonly callId: string; readonly target: string };
  /** A target is refused from now on. */
  "pool.target.quarantined": { readonly pool: string; readonly target: string; readonly forMs: number };
  /** The breaker that stands before a pool without workers changed. */
  "pool.breaker": { readonly pool: string; readonly state: CircuitState };
  /** A call whose worker died goes to another one. */
  "pool.call.retried": {
    readonly pool: string;
    readonly callId: string;
    readonly worker: string;
    readonly attempt: number;
  };
}

declare module "@dspex/telemetry" {
  interface TelemetryEvents extends PoolEvents {}
}
