import {
  DspexError,
  messageOf,
  type AttemptBudget,
  type Clock,
  type Deadline,
  type Timer,
} from "@dspex/core";
import type { CallInfo, CallTarget, WireValue } from "@dspex/python-bridge";
import type { Affinity } from "./affinity.ts";
import type { ItemStream } from "./item-stream.ts";

/** How deep calls may stand in one another: Python asks the host, which calls Python, which asks the host, … */
export const maxCallDepth = 5;

/** What a caller asks of a pool. */
export interface CallRequest {
  /** Identifies the call in errors, telemetry and explanations. */
  readonly callId: string;
  readonly target: CallTarget;
  /** The program's spec, when the target is a program: sent to a worker that does not know it yet. */
  readonly spec?: WireValue;
  readonly input: WireValue;
  /** What the worker needs besides the input: the LM to use. */
  readonly context: WireValue;
  readonly deadline: Deadline;
  readonly budget: AttemptBudget;
  /** `"job"`: the call gets a process of its own, which is ended with it. */
  readonly lane?: "job" | undefined;
  /** Calls around this one, each of which waits for it or for one in between (0 when absent). At most {@link maxCallDepth}. */
  readonly depth?: number | undefined;
  /** The W3C trace context that it continues. */
  readonly traceparent?: string | undefined;
  /** Whether the call may run again elsewhere after its worker died under it. */
  readonly idempotent: boolean;
  /** Takes the items of a streaming call. */
  readonly stream?: ItemStream | undefined;
  /** Calls with the same key prefer the same worker, or insist on it. */
  readonly affinity?: Affinity | undefined;
  /** Higher ones leave the queue first: a whole number from -10 to 10 (0 when absent). */
  readonly priority?: number | undefined;
  /** For whom it is made: whoever has few calls in the queue does not wait for all those of one who has many. */
  readonly tenant?: string | undefined;
  /** How long it may wait for a worker, over all attempts, in milliseconds; the pool's own when absent. */
  readonly queueTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What became of a call, besides its value. */
export interface CallMeta {
  /** The worker of the last attempt. */
  readonly worker: string | undefined;
  /** Times the call was given to a worker. */
  readonly attempts: number;
  /** Milliseconds in the queue, over all attempts. */
  readonly queueMs: number;
  /** What the worker said of it; absent when it never answered. */
  readonly info: CallInfo | undefined;
}

export type CallOutcome =
  | { readonly ok: true; readonly value: unknown; readonly meta: CallMeta }
  | { readonly ok: false; readonly error: DspexError; readonly meta: CallMeta };

/**
 * A call in the pool: a record in a table, never an actor. It settles exactly once (G1), whoever tries first: the worker's
 * reply, the worker's death, the deadline, the caller's abort, the end of the dispatcher.
 */
export class Call {
  readonly request: CallRequest;
  /** Runs once, when the call is over before a worker answered it: leaves the queue, or cancels in Python. */
  onAbandon: (() => void) | undefined;
  #attempts = 0;
  #worker: string | undefined;
  #queuedAtMs = 0;
  #queueMs = 0;
  #resolve: ((outcome: CallOutcome) => void) | undefined;
  #disarm: () => void = () => {};
  #patience: Timer | undefined;

  constructor(request: CallRequest, resolve: (outcome: CallOutcome) => void) {
    this.request = request;
    this.#resolve = resolve;
  }

  get settled(): boolean {
    return this.#resolve === undefined;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** Watches what can end the call from outside: its deadline and its caller. */
  watch(): void {
    const { signal, deadline } = this.request;
    const timer = deadline.onPassed(() => this.abandon(deadline.error(this.#where())));
    const onAbort = (): void => this.abandon(cancelled(this.#where(), signal?.reason));
    this.#disarm = () => {
      timer?.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
  }

  queued(nowMs: number): void {
    this.#worker = undefined;
    this.#queuedAtMs = nowMs;
  }

  /** It is over when it has waited for `timeoutMs` in all and no worker has taken it by then: it never runs in Python. */
  limitWait(timeoutMs: number, clock: Clock, onPassed: () => void): void {
    if (timeoutMs === Infinity) return;
    this.#patience = clock.setTimeout(onPassed, timeoutMs - this.#queueMs);
  }

  /** A worker takes the call. */
  started(worker: string, nowMs: number): void {
    this.#patience?.cancel();
    this.#queueMs += nowMs - this.#queuedAtMs;
    this.#attempts += 1;
    this.#worker = worker;
  }

  /** The worker gave it back without having run it: that was no attempt. */
  returned(): void {
    this.#attempts -= 1;
  }

  succeed(value: unknown, info: CallInfo): void {
    this.#settle({ ok: true, value, meta: this.#meta(info) });
  }

  fail(error: DspexError, info?: CallInfo): void {
    this.#settle({ ok: false, error, meta: this.#meta(info) });
  }

  /** Ends the call for a reason outside of the worker's answer, and tells whoever holds it. */
  abandon(error: DspexError): void {
    if (this.settled) return;
    const { onAbandon } = this;
    this.fail(error);
    onAbandon?.();
  }

  #settle(outcome: CallOutcome): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    this.#resolve = undefined;
    this.onAbandon = undefined;
    this.#disarm();
    this.#patience?.cancel();
    resolve(outcome);
  }

  #meta(info: CallInfo | undefined): CallMeta {
    return { worker: this.#worker, attempts: this.#attempts, queueMs: this.#queueMs, info };
  }

  #where(): string {
    return this.#worker === undefined ? "waiting for a worker" : `running on ${this.#worker}`;
  }
}

function cancelled(where: string, reason: unknown): DspexError {
  return new DspexError(
    "ERR_CANCELLED",
    `The caller cancelled the call while it was ${where}: ${messageOf(reason)}.`,
    {
      details: { where },
      cause: reason,
    },
  );
}
