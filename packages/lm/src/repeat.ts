import { backoffMs, DspexError, messageOf, pause, type Clock, type LazySignal } from "@dspex/core";
import type { TelemetryBus } from "@dspex/telemetry";
import { aborted } from "./aborted.ts";
import type { EndpointCall } from "./endpoint-call.ts";

export interface RepeatPorts {
  readonly clock: Clock;
  /** Numbers in [0, 1), for the jitter of back-off. */
  readonly random: () => number;
  readonly telemetry: TelemetryBus;
}

/** What a request came to, and how often it was made. */
export type Attempted<T> =
  | { readonly ok: true; readonly value: T; readonly attempts: number }
  | { readonly ok: false; readonly error: DspexError; readonly attempts: number };

const backoff = { firstMs: 200, maxMs: 5_000 } as const;

/**
 * Makes a request, and again while it fails in a way that may pass and the call has attempts and time left (G2): after the
 * time that the endpoint asks for, else after a growing one. Never rejects.
 */
export async function repeat<T>(
  endpoint: string,
  call: Pick<EndpointCall, "callId" | "deadline" | "budget">,
  lazy: LazySignal,
  once: () => Promise<T>,
  { clock, random, telemetry }: RepeatPorts,
): Promise<Attempted<T>> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return { ok: true, value: await once(), attempts };
    } catch (thrown) {
      const error = asDspexError(endpoint, thrown);
      const { retryAfterMs } = error.details as { readonly retryAfterMs?: number };
      const delayMs = retryAfterMs ?? backoffMs(attempts, backoff, random);
      const { signal } = lazy;
      const worthwhile = error.retryable && delayMs < call.deadline.remainingMs && !signal.aborted;
      if (!worthwhile || !call.budget.take()) return { ok: false, error, attempts };
      telemetry.emit("lm.request.retried", { endpoint, callId: call.callId, code: error.code, delayMs });
      await pause(clock, delayMs, signal);
      if (signal.aborted) return { ok: false, error: aborted(signal, "waiting to ask again"), attempts };
    }
  }
}

/** Adapters throw our errors; one that throws something else is broken, and its request did not get an answer. */
export function asDspexError(endpoint: string, thrown: unknown): DspexError {
  if (DspexError.is(thrown)) return thrown;
  return new DspexError(
    "ERR_LM_ADAPTER",
    `The adapter of endpoint "${endpoint}" failed: ${messageOf(thrown)}`,
    { details: { endpoint }, cause: thrown },
  );
}
