import type { Clock } from "./clock.ts";

export type CircuitState = "closed" | "open" | "half_open";

export interface CircuitBreakerOptions {
  /** Failures in a row, all within {@link windowMs}, that open it. */
  readonly failures: number;
  /** In milliseconds. */
  readonly windowMs: number;
  /** How long it refuses everybody before it lets one try, in milliseconds. */
  readonly openMs: number;
  readonly clock: Clock;
  /** Told of each change of state, after it. */
  readonly onChange?: (state: CircuitState) => void;
}

/**
 * Keeps callers away from what is known to be broken (M. Nygard, *Release It!*): closed until so many failures came in a row, then open for a
 * time, then half open, where one caller at a time may try.
 *
 * A verdict, `succeeded` or `failed`, need not come from whoever was admitted: any success closes it and forgets the failures before. So a
 * probe that ends without a verdict leaves nothing behind: it frees its place by `leave`, and one that died loses it after another `openMs`.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  /** When the last failures came, oldest first; fewer than open it. */
  #failedAtMs: number[] = [];
  #state: CircuitState = "closed";
  /** When it opened, or its probe began. */
  #sinceMs = 0;
  #probe: object | undefined;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  /** `"open"` also when its time is over: it is half open from the next {@link admit} on. */
  get state(): CircuitState {
    return this.#state;
  }

  /**
   * Asks whether to try.
   *
   * @returns `undefined` when not; else what tells that whoever tried is gone, which may be called at any time and more than once.
   */
  admit(): (() => void) | undefined {
    if (this.#state === "closed") return nothing;
    const { clock, openMs } = this.#options;
    const over = clock.now() - this.#sinceMs >= openMs;
    if (this.#state === "open" && !over) return undefined;
    if (this.#probe !== undefined && !over) return undefined;
    const probe = {};
    this.#probe = probe;
    this.#become("half_open");
    return () => {
      if (this.#probe === probe) this.#probe = undefined;
    };
  }

  succeeded(): void {
    this.#failedAtMs = [];
    this.#become("closed");
  }

  failed(): void {
    if (this.#state === "open") return;
    const { clock, failures, windowMs } = this.#options;
    const nowMs = clock.now();
    this.#failedAtMs = this.#failedAtMs.filter((atMs) => nowMs - atMs < windowMs);
    this.#failedAtMs.push(nowMs);
    if (this.#state === "half_open" || this.#failedAtMs.length >= failures) this.#become("open");
  }

  #become(state: CircuitState): void {
    const changed = state !== this.#state;
    this.#state = state;
    this.#sinceMs = this.#options.clock.now();
    if (state !== "half_open") this.#probe = undefined;
    if (state === "open") this.#failedAtMs = [];
    if (changed) this.#options.onChange?.(state);
  }
}

const nothing = (): void => {};
