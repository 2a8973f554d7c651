import type { WireError } from "@dspex/python-bridge";
import type { Verdict } from "./liveness.ts";

/**
 * Why a worker died. It `exited`, by itself or by somebody else's signal; or we ended it, because it broke the protocol (`violation`), because a
 * call that was given up did not end (`late`), or because it left pings unanswered while it was `busy`, `blocked` or `stopped`.
 */
export type CrashReason = "exited" | "violation" | "late" | Verdict;

/** What the pool's errors carry. */
export interface PoolErrorCodes {
  /** The worker died with the call in flight (G5). Retryable: the call itself did nothing wrong. */
  ERR_WORKER_CRASHED: {
    readonly worker: string;
    readonly reason: CrashReason;
    readonly exitCode: number | null;
    readonly signal: string | null;
    /** The end of what it wrote to its own standard error: why it ended itself, and its Python stacks where it hung or died of a fault. */
    readonly stderr: string;
  };
  /** A worker did not become ready; `stderr` is the end of what it printed. */
  ERR_WORKER_BOOT: { readonly worker: string; readonly reason: string; readonly stderr: string };
  /** The guardian process ended; its supervisor starts another. Seen in reports only. */
  ERR_GUARDIAN_EXITED: { readonly exitCode: number | null; readonly signal: string | null };
  /** The zygote of a pool ended; its supervisor starts another. Seen in reports only. */
  ERR_ZYGOTE_EXITED: {
    readonly pool: string;
    readonly exitCode: number | null;
    readonly signal: string | null;
    /** The end of what it wrote to its standard error. */
    readonly stderr: string;
  };
  /** The pool's queue holds as many calls as it may, or as many as it may of this tenant. */
  ERR_QUEUE_FULL: { readonly pool: string; readonly limit: number; readonly tenant?: string };
  /** The call waited for a worker as long as it may, and never ran. */
  ERR_QUEUE_TIMEOUT: { readonly pool: string; readonly queueTimeoutMs: number };
  /** The worker of a `strict_fail_fast` key has no room. */
  ERR_WORKER_BUSY: { readonly pool: string; readonly key: string };
  /** The worker of a strict key is gone; the key's next call is given another one. */
  ERR_WORKER_UNAVAILABLE: { readonly pool: string; readonly key: string };
  /** The pool has no worker and its workers fail to start; `cause` is the last failure. */
  ERR_POOL_UNAVAILABLE: { readonly pool: string };
  /** The function or program killed its workers and is refused until `untilMs`, by the runtime's monotonic clock. */
  ERR_QUARANTINED: {
    /** The function's path, or the program's hash. */
    readonly target: string;
    readonly deaths: number;
    readonly untilMs: number;
  };
  /** The dispatcher that held the call is gone; a new one is in its place. */
  ERR_POOL_RESTARTED: { readonly pool: string };
  /** Python and the host call each other in turn, deeper than they may: most likely without end. */
  ERR_CALLS_TOO_DEEP: { readonly limit: number };
  /** A roll-out of the pool goes on already. */
  ERR_ROLLOUT_IN_PROGRESS: { readonly pool: string };
  /** The pool is stopping, or has stopped. */
  ERR_POOL_STOPPED: { readonly pool: string };
  /** Python code raised. The message is the exception's own. */
  ERR_PYTHON: {
    /** The exception's class, `module.QualifiedName`. */
    readonly pythonType: string;
    readonly traceback: string;
    readonly pythonDetails: Readonly<Record<string, unknown>>;
    readonly pythonCause: WireError | null;
  };
  /** The call ran in Python, and what it returned is too large for the wire or no plain data; `reason` is the wire's code. */
  ERR_RESULT_NOT_SENT: { readonly reason: string };
  /** Python did not run the call: the target, spec or input is wrong; `reason` is the wire's code, `pythonCause` what was raised. */
  ERR_CALL_REFUSED: { readonly reason: string; readonly pythonCause: WireError | null };
}

declare module "@dspex/core" {
  interface ErrorCodes extends PoolErrorCodes {}
}
