import { CircuitBreaker, type Clock, type DspexError } from "@dspex/core";
import type { TelemetryBus } from "@dspex/telemetry";
import { strictKey } from "./affinity.ts";
import type { Call, CallOutcome, CallRequest } from "./call.ts";
import type { ResolvedPoolOptions } from "./options.ts";
import { Quarantine } from "./quarantine.ts";
import { poolUnavailable, quarantined } from "./refusals.ts";

export interface AdmissionOptions extends Pick<
  ResolvedPoolOptions,
  "size" | "quarantineAfter" | "quarantineMs" | "breakerFailures" | "breakerOpenMs"
> {
  readonly pool: string;
  readonly clock: Clock;
  readonly telemetry: TelemetryBus;
  /** Whether no worker takes calls. */
  readonly deserted: () => boolean;
}

/** Failed boots count for so long: longer than any pause between two of one worker. */
const boots = { windowMs: 60_000 } as const;

/**
 * Who may enter a pool: nobody while it has no worker and its breaker is open, and no target that kills its workers.
 *
 * The breaker's verdicts are the boots of workers. A call that is let in while it is half open waits in the queue for the next of them; when that fails, it is
 * refused with all that wait.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #breaker: CircuitBreaker;
  readonly #quarantine: Quarantine;
  #bootError: DspexError | undefined;
  /** The calls that have a process of their own, to see whether their target kills it: one of each target, and in all as many as workers (G4). */
  readonly #isolated = new Map<string, Call>();
  /** Frees the probe's place in the breaker. */
  readonly #probes = new Map<Call, () => void>();

  constructor(options: AdmissionOptions) {
    const { pool, clock, telemetry } = options;
    this.#options = options;
    this.#breaker = new CircuitBreaker({
      failures: options.breakerFailures,
      windowMs: boots.windowMs,
      openMs: options.breakerOpenMs,
      clock,
      onChange: (state) => telemetry.emit("pool.breaker", { pool, state }),
    });
    this.#quarantine = new Quarantine({ after: options.quarantineAfter, forMs: options.quarantineMs, clock });
  }

  /** Why nobody is to wait for a worker; `undefined` when there is one, or one is to be expected. */
  get unavailable(): DspexError | undefined {
    if (this.#bootError === undefined || this.#breaker.state !== "open" || !this.#options.deserted())
      return undefined;
    return poolUnavailable(this.#options.pool, this.#bootError);
  }

  /**
   * Asks for a new call, or one that lost its worker.
   *
   * @param cause the death under which it lost it.
   * @returns an error when it may not enter; `"alone"` when it is to have a process of its own.
   */
  admit(call: Call, cause?: DspexError): DspexError | "alone" | undefined {
    const { request } = call;
    if (request.lane !== "job" && this.#options.deserted()) {
      const leave = this.#breaker.admit();
      if (leave === undefined) return poolUnavailable(this.#options.pool, this.#bootError!);
      if (this.#breaker.state === "half_open") this.#probes.set(call, leave);
    }
    if (this.#quarantine.idle) return undefined;
    const target = targetOf(request);
    const verdict = this.#quarantine.verdict(target);
    if (typeof verdict === "object") return quarantined(target, verdict, cause);
    const { pool, telemetry, size } = this.#options;
    const full = this.#isolated.has(target) || this.#isolated.size >= size.max;
    if (verdict === "run" || full || !mayBeAlone(request)) return undefined;
    this.#isolated.set(target, call);
    telemetry.emit("pool.call.isolated", { pool, callId: request.callId, target });
    return "alone";
  }

  /** A call is over. What a worker answered to it, if only an error of Python's, says that its target does not kill. */
  settled(call: Call, { meta }: CallOutcome): void {
    if (this.#isolated.size > 0) this.#release(call);
    if (this.#probes.size > 0) {
      this.#probes.get(call)?.();
      this.#probes.delete(call);
    }
    if (meta.info !== undefined && !this.#quarantine.idle) this.#quarantine.answered(targetOf(call.request));
  }

  /** @param alone the process had one call and was given no other. */
  died(lost: readonly Call[], alone: boolean): void {
    const { pool, telemetry, quarantineMs: forMs } = this.#options;
    for (const call of lost) this.#release(call);
    for (const target of new Set(lost.map(({ request }) => targetOf(request))))
      if (this.#quarantine.died(target, alone))
        telemetry.emit("pool.target.quarantined", { pool, target, forMs });
  }

  /** The call does not run alone any more, if it did. */
  #release(call: Call): void {
    const target = targetOf(call.request);
    if (this.#isolated.get(target) === call) this.#isolated.delete(target);
  }

  booted(): void {
    this.#breaker.succeeded();
  }

  bootFailed(error: DspexError): void {
    this.#bootError = error;
    // Beside workers that serve, one that does not start is no reason to refuse calls when those are gone for a moment.
    if (this.#options.deserted()) this.#breaker.failed();
  }
}

/** What is quarantined: the function's path, or the program's hash. */
function targetOf({ target }: CallRequest): string {
  return "function" in target ? target.function : target.program;
}

/** A job is alone in any case; a strict key's state, or a place inside of another call, is nowhere else. */
function mayBeAlone({ lane, affinity, depth = 0 }: CallRequest): boolean {
  return lane !== "job" && depth === 0 && strictKey(affinity) === undefined;
}
