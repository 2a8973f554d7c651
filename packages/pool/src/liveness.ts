import { cpuResolutionMs, type ProcessState } from "./process-state.ts";

/**
 * What a worker does that leaves PINGs unanswered, judged from outside.
 *
 * - `busy`: it computes, and keeps its event loop or the interpreter's lock from answering meanwhile.
 * - `blocked`: it waits for something, on its event loop or with the interpreter's lock held.
 * - `stopped`: the system has stopped it (SIGSTOP, a debugger).
 */
export type Verdict = "busy" | "blocked" | "stopped";

export interface LivenessLimits {
  /** PINGs in a row that a worker may miss while it is blocked or stopped. */
  readonly maxMissed: number;
  /** How long a worker may leave PINGs unanswered while it is busy, in milliseconds. */
  readonly maxBusyMs: number;
}

/** A process as it was at some moment between a question to the system and its answer. */
export interface Sighting {
  /** `undefined` when the system says nothing of it. */
  readonly state: ProcessState | undefined;
  readonly askedMs: number;
  readonly toldMs: number;
}

/** What one more missed PING means. */
export interface MissedPing {
  /** How many it are in a row. */
  readonly missed: number;
  readonly verdict: Verdict;
  /** The worker is to be ended. */
  readonly fatal: boolean;
}

/**
 * The share of one core from which on a process is taken to compute. One that does gets so much even where twenty of its kind share a core. Threads
 * that wait for the interpreter's lock wake 200 times a second to ask for it: measured, ten of them take 3 %, and one that waits otherwise takes nothing.
 * To take many more of them for a computation only prolongs their time to `maxBusyMs`.
 */
const busyShare = 0.05;

/** The silence of one worker, from the first PING that it has not answered on; any PONG ends it. Time and what the system says are given to it. */
export class Silence {
  readonly #limits: LivenessLimits;
  readonly #sinceMs: number;
  #missed = 0;
  /** The PINGs in a row, up to now, during which it did not compute. */
  #idle = 0;
  #seen: Sighting | undefined;

  /** @param sinceMs when that PING was sent. */
  constructor(limits: LivenessLimits, sinceMs: number) {
    this.#limits = limits;
    this.#sinceMs = sinceMs;
  }

  /** Whether there is something to compare processor time with. */
  get seen(): boolean {
    return this.#seen !== undefined;
  }

  /** The process while a PING is unanswered. Where the system says nothing of it, the last word stands. */
  see(sighting: Sighting): void {
    if (sighting.state !== undefined) this.#seen = sighting;
  }

  /** Another PING has gone unanswered. @returns `undefined` where nothing can be concluded this time. */
  miss(sighting: Sighting): MissedPing | undefined {
    this.#missed += 1;
    const verdict = judge(sighting, this.#seen);
    this.see(sighting);
    if (verdict === undefined) return undefined;
    this.#idle = verdict === "busy" ? 0 : this.#idle + 1;
    const { maxMissed, maxBusyMs } = this.#limits;
    const fatal =
      verdict === "busy" ? sighting.askedMs - this.#sinceMs >= maxBusyMs : this.#idle >= maxMissed;
    return { missed: this.#missed, verdict, fatal };
  }
}

function judge({ state, askedMs }: Sighting, before: Sighting | undefined): Verdict | undefined {
  if (state === undefined) return undefined;
  if (state.letter === "T" || state.letter === "t") return "stopped";
  if (before?.state === undefined) return undefined;
  // Not by the letter R: threads that only wake for a moment have it too, for as long as other processes keep them from their turn.
  // Between the two moments at least this time has passed; a host that was slow to hear of them must not make a worker look lazy.
  const atLeastMs = askedMs - before.toldMs;
  const grownMs = state.cpuMs - before.state.cpuMs;
  return grownMs >= busyShare * atLeastMs + cpuResolutionMs ? "busy" : "blocked";
}
