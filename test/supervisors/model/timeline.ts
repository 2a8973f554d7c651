import type { Clock, Timer } from "@dspex/core";

interface Entry {
  readonly atMs: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/**
 * A manual clock that fires one timer at a time, as Node's event loop does: what a timer sets off, promises included, is over
 * before the next one fires, also when both are due at the same moment.
 */
export class Timeline implements Clock {
  #nowMs = 0;
  /** The next one first; of those that are due at the same moment, the one that was set first. */
  #entries: Entry[] = [];

  /** The moments at which something is to happen. */
  get dueTimes(): readonly string[] {
    const armed = this.#entries.filter(({ cancelled }) => !cancelled);
    return [...new Set(armed.map(({ atMs }) => `${atMs} ms`))];
  }

  /** When the next timer is due. */
  get nextMs(): number | undefined {
    while (this.#entries[0]?.cancelled === true) this.#entries.shift();
    return this.#entries[0]?.atMs;
  }

  now(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, delayMs), callback, cancelled: false };
    const later = this.#entries.findLastIndex(({ atMs }) => atMs <= entry.atMs) + 1;
    this.#entries.splice(later, 0, entry);
    return { cancel: () => void (entry.cancelled = true) };
  }

  /** Fires the next timer that is due by then. @returns false when there is none, and it is then */
  fireNext(untilMs: number): boolean {
    const { nextMs } = this;
    const due = nextMs !== undefined && nextMs <= untilMs;
    this.#nowMs = due ? nextMs : untilMs;
    if (!due) return false;
    this.#entries.shift()!.callback();
    return true;
  }
}
