import { Deadline, deferred, DspexError, durationOption, type Clock, type Timer } from "@dspex/core";
import type { AffinityMode, CallOptions, Outcome, Program, Turn } from "@dspex/programs";

/** What a session's `tryCall` resolves to. */
export type SessionOutcome<T> = Outcome<T> | RefusedCall;

/** The session did not make the call, so there is no `meta` of it. */
export interface RefusedCall {
  readonly ok: false;
  readonly error: DspexError;
  readonly meta?: undefined;
}

/** The time of a call, its waiting in the session included, where the caller gives none. */
const defaultTimeoutMs = 60_000;

/** A call of a session, from its request to its one outcome (G1). */
export class SessionCall {
  readonly outcome: Promise<SessionOutcome<unknown>>;
  readonly #settle: (outcome: SessionOutcome<unknown>) => void;
  readonly #program: Program<unknown, unknown>;
  readonly #input: unknown;
  readonly #options: CallOptions;
  readonly #deadline: Deadline;
  /** Aborted when the session ends under the call. */
  readonly #aborted = new AbortController();
  #timer: Timer | undefined;
  #onAbort: (() => void) | undefined;

  /** @throws DspexError `ERR_INVALID_OPTION` for a bad `timeoutMs`. */
  constructor(program: Program<unknown, unknown>, input: unknown, options: CallOptions, clock: Clock) {
    const { promise, resolve } = deferred<SessionOutcome<unknown>>();
    this.outcome = promise;
    this.#settle = resolve;
    this.#program = program;
    this.#input = input;
    this.#options = options;
    this.#deadline = new Deadline(
      clock,
      durationOption("timeoutMs", options.timeoutMs, { default: defaultTimeoutMs }),
    );
  }

  /** While it waits: calls `leave` when the caller aborts or the deadline passes, and settles. */
  watch(leave: () => void): void {
    const { signal } = this.#options;
    const give = (error: DspexError): void => {
      leave();
      this.refuse(error);
    };
    const where = "waiting for its turn in the session";
    const abort = (): void =>
      give(
        new DspexError("ERR_CANCELLED", `The call was cancelled; it was ${where}.`, {
          details: { where },
          cause: signal?.reason,
        }),
      );
    if (signal?.aborted) return abort();
    this.#onAbort = abort;
    signal?.addEventListener("abort", abort);
    this.#timer = this.#deadline.onPassed(() => give(this.#deadline.error(where)));
  }

  /** Makes the call; resolves to the turn when it succeeded, to `undefined` when not. Never rejects. */
  async run(history: readonly Turn[], session: string, mode: AffinityMode): Promise<Turn | undefined> {
    this.#unwatch();
    const { signal } = this.#options;
    const aborted = this.#aborted.signal;
    try {
      const outcome = await this.#program.withHistory(history).tryCall(this.#input, {
        // Sessions take turns in the queue of a pool, unless their tenants do.
        tenant: session,
        ...this.#options,
        timeoutMs: this.#deadline.remainingMs,
        affinity: { key: session, mode },
        signal: signal === undefined ? aborted : AbortSignal.any([signal, aborted]),
      });
      this.#settle(outcome);
      return outcome.ok ? { ...(this.#input as Turn), ...(outcome.value as Turn) } : undefined;
    } catch (error) {
      this.refuse(error as DspexError);
      return undefined;
    }
  }

  /** Settles it, wherever it is; its run is aborted. */
  refuse(error: DspexError): void {
    this.#unwatch();
    this.#settle({ ok: false, error });
    this.#aborted.abort(error);
  }

  #unwatch(): void {
    this.#timer?.cancel();
    if (this.#onAbort !== undefined) this.#options.signal?.removeEventListener("abort", this.#onAbort);
  }
}
