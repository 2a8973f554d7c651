import type { Clock } from "@dspex/core";

export interface QuarantineOptions {
  /** Deaths in a row that convict a target. */
  readonly after: number;
  /** Within how long, and for how long it is refused then; in milliseconds. */
  readonly forMs: number;
  readonly clock: Clock;
}

/** What is to become of a call: run it, run it in a process of its own, or refuse it. */
export type Verdict =
  | "run"
  | "alone"
  | { readonly deaths: number; readonly untilMs: number; readonly leftMs: number };

interface Suspect {
  deaths: number;
  /** When the first of them was. */
  sinceMs: number;
  /** `undefined` before it was ever convicted. */
  untilMs: number | undefined;
}

/** Suspects at a time; the one that is suspected longest is forgotten. */
const maxSuspects = 1_000;

/**
 * Which targets (programs and functions) kill the workers that run them.
 *
 * When a worker dies, all targets that it had in flight are suspects alike, and an answer of any call of a target clears that target. So what
 * stands beside a killer is under suspicion, too, if it takes long; and processes may be killed from outside. Therefore suspicion convicts
 * nobody: where one more death would be enough, the next call of the target runs in a process of its own, where nobody else can kill it and it
 * can kill nobody else. Only a death there is proof. After its time a target is tried in the same way before it is let in again.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #suspects = new Map<string, Suspect>();

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** Nobody is suspected. */
  get idle(): boolean {
    return this.#suspects.size === 0;
  }

  verdict(target: string): Verdict {
    const suspect = this.#suspect(target);
    if (suspect === undefined) return "run";
    const { deaths, untilMs = 0 } = suspect;
    const leftMs = untilMs - this.#options.clock.now();
    if (leftMs > 0) return { deaths, untilMs, leftMs };
    return deaths >= this.#options.after - 1 ? "alone" : "run";
  }

  /**
   * A worker died with calls of the target in flight.
   *
   * @param alone it had no others.
   * @returns whether the target is refused from now on.
   */
  died(target: string, alone: boolean): boolean {
    const { after, forMs, clock } = this.#options;
    const nowMs = clock.now();
    const suspect = this.#suspect(target) ?? { deaths: 0, sinceMs: nowMs, untilMs: undefined };
    this.#suspects.set(target, suspect);
    if (this.#suspects.size > maxSuspects) this.#suspects.delete(this.#suspects.keys().next().value!);
    suspect.deaths += 1;
    if (!alone || suspect.deaths < after) return false;
    suspect.untilMs = nowMs + forMs;
    return true;
  }

  /** A worker answered a call of the target. */
  answered(target: string): void {
    this.#suspects.delete(target);
  }

  #suspect(target: string): Suspect | undefined {
    const suspect = this.#suspects.get(target);
    if (suspect === undefined || suspect.untilMs !== undefined) return suspect;
    const { forMs, clock } = this.#options;
    if (clock.now() - suspect.sinceMs < forMs) return suspect;
    this.#suspects.delete(target);
    return undefined;
  }
}
