import { DspexError } from "@dspex/core";
import type { QueueLimits } from "./call-queue.ts";
import type { Verdict } from "./quarantine.ts";

/** Refuses a call for which there is no place to wait. */
export function queueFull(
  pool: string,
  limits: QueueLimits,
  which: "all" | "tenant",
  tenant?: string,
): DspexError<"ERR_QUEUE_FULL"> {
  const limit = which === "all" ? limits.limit : limits.tenantLimit;
  const details = which === "all" || tenant === undefined ? { pool, limit } : { pool, limit, tenant };
  const message =
    which === "all"
      ? `Pool "${pool}" has ${limit} calls waiting, its limit. Slow down, raise queueLimit, or add workers.`
      : `${limit} calls of tenant "${tenant}" wait in pool "${pool}", as many as may of one tenant. Slow down, or raise tenantQueueLimit.`;
  return new DspexError("ERR_QUEUE_FULL", message, { details, retryable: true });
}

export function queueTimeout(pool: string, queueTimeoutMs: number): DspexError<"ERR_QUEUE_TIMEOUT"> {
  return new DspexError(
    "ERR_QUEUE_TIMEOUT",
    `No worker of pool "${pool}" was free within ${queueTimeoutMs} ms; the call did not run. Slow down, raise queueTimeoutMs, or add workers.`,
    { details: { pool, queueTimeoutMs }, retryable: true },
  );
}

export function workerBusy(pool: string, key: string): DspexError<"ERR_WORKER_BUSY"> {
  return new DspexError(
    "ERR_WORKER_BUSY",
    `The worker of affinity key "${key}" in pool "${pool}" has no room, and the call may not wait (strict_fail_fast).`,
    { details: { pool, key }, retryable: true },
  );
}

export function workerUnavailable(pool: string, key: string): DspexError<"ERR_WORKER_UNAVAILABLE"> {
  return new DspexError(
    "ERR_WORKER_UNAVAILABLE",
    `The worker of affinity key "${key}" in pool "${pool}" is gone, and what it held for the key with it. The key's next call is given another worker.`,
    { details: { pool, key }, retryable: true },
  );
}

/** @param cause why the last worker did not become ready. */
export function poolUnavailable(pool: string, cause: DspexError): DspexError<"ERR_POOL_UNAVAILABLE"> {
  return new DspexError(
    "ERR_POOL_UNAVAILABLE",
    `Pool "${pool}" has no worker, and its workers fail to start: ${cause.message}`,
    { details: { pool }, retryable: true, cause },
  );
}

/** @param cause the death that led to it, for a call that was in flight then. */
export function quarantined(
  target: string,
  { deaths, untilMs, leftMs }: Extract<Verdict, object>,
  cause?: DspexError,
): DspexError<"ERR_QUARANTINED"> {
  return new DspexError(
    "ERR_QUARANTINED",
    `${target} is refused for another ${Math.ceil(leftMs)} ms: ${deaths} workers died in a row with it in flight, the last of which had nothing else to do.`,
    { details: { target, deaths, untilMs }, retryable: true, cause },
  );
}

export function restarted(pool: string): DspexError<"ERR_POOL_RESTARTED"> {
  return new DspexError(
    "ERR_POOL_RESTARTED",
    `The dispatcher of pool "${pool}" was restarted while the call waited in it.`,
    { details: { pool }, retryable: true },
  );
}

export function notTaken(code: "ERR_POOL_RESTARTED" | "ERR_POOL_STOPPED", pool: string): DspexError {
  const why = code === "ERR_POOL_STOPPED" ? "is stopping" : "is being restarted";
  return new DspexError(code, `Pool "${pool}" ${why} and takes no call.`, {
    details: { pool },
    retryable: code === "ERR_POOL_RESTARTED",
  });
}
