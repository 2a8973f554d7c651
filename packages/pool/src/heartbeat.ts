import type { Clock, Timer } from "@dspex/core";
import { Silence, type LivenessLimits, type MissedPing, type Sighting } from "./liveness.ts";
import type { ProcessState } from "./process-state.ts";

export interface HeartbeatOptions extends LivenessLimits {
  /** Time between two PINGs, in milliseconds. */
  readonly heartbeatMs: number;
  readonly clock: Clock;
  readonly ping: () => void;
  /** Asks the system for the worker's process. Only done while a PONG is missing. */
  readonly look: () => Promise<ProcessState | undefined>;
  /** A PING was missed. After a fatal one the heart beats no more. */
  readonly onMissed: (ping: MissedPing) => void;
}

/**
 * Sends a PING with every beat, and judges a worker that does not answer.
 *
 * A judge must not take its own absence for the other's silence. Where the host's event loop did not run for longer than a beat (it was
 * blocked, or the machine slept) all that was not heard until then is forgotten, and the silence begins anew; and a PONG that waits in the
 * pipe when a beat is late is read while the system is asked for the process.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #silence: Silence | undefined;
  #timer: Timer | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Sends a PING at once, and one with each further beat. */
  beat(): void {
    const { clock, ping } = this.#options;
    this.#silence ??= new Silence(this.#options, clock.now());
    ping();
    this.#inHalfABeat(() => {
      void this.#look();
      this.#inHalfABeat(() => {
        void this.#judge();
        this.beat();
      });
    });
  }

  /** A PONG is there, to whichever PING. */
  answered(): void {
    this.#silence = undefined;
  }

  stop(): void {
    this.#timer?.cancel();
    this.#silence = undefined;
  }

  #inHalfABeat(next: () => void): void {
    const { clock, heartbeatMs } = this.#options;
    const dueMs = clock.now() + heartbeatMs / 2;
    this.#timer = clock.setTimeout(() => {
      if (clock.now() - dueMs > heartbeatMs) this.#silence = undefined;
      next();
    }, heartbeatMs / 2);
  }

  /** Half a beat before the first missed PING counts: what it is judged by is how the processor time grows from here on. */
  async #look(): Promise<void> {
    const silence = this.#silence;
    if (silence !== undefined && !silence.seen) silence.see(await this.#sight());
  }

  async #judge(): Promise<void> {
    const silence = this.#silence;
    if (silence === undefined) return;
    const sighting = await this.#sight();
    // A PONG may have come meanwhile.
    const missed = silence === this.#silence ? silence.miss(sighting) : undefined;
    if (missed === undefined) return;
    if (missed.fatal) this.stop();
    this.#options.onMissed(missed);
  }

  async #sight(): Promise<Sighting> {
    const { clock, look } = this.#options;
    const askedMs = clock.now();
    return { state: await look(), askedMs, toldMs: clock.now() };
  }
}
