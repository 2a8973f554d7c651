import type { Clock, Timer } from "./clock.ts";

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /** Moves time on by `ms`, firing due timers in order of their time, then of their creation. */
  advance(ms: number): void;
  /** Number of armed timers. */
  readonly pending: number;
}

export function createManualClock(startMs = 0): ManualClock {
  let now = startMs;
  let created = 0;
  const timers = new Map<number, { at: number; callback: () => void }>();
  const nextDue = (until: number): number | undefined => {
    let due: number | undefined;
    for (const [id, { at }] of timers)
      if (at <= until && (due === undefined || at < timers.get(due)!.at)) due = id;
    return due;
  };
  return {
    now: () => now,
    setTimeout(callback, delayMs): Timer {
      const id = created++;
      timers.set(id, { at: now + Math.max(0, delayMs), callback });
      return { cancel: () => void timers.delete(id) };
    },
    advance(ms) {
      const until = now + ms;
      for (let id = nextDue(until); id !== undefined; id = nextDue(until)) {
        const timer = timers.get(id)!;
        timers.delete(id);
        now = timer.at;
        timer.callback();
      }
      now = until;
    },
    get pending() {
      return timers.size;
    },
  };
}
