import type { ManualClock } from "@dspex/core";

/** Promise chains of a supervision tree are shorter than this. */
const turns = 10;

/** Lets everything happen that is due at this moment: promises, messages, and timers that are due now. */
export async function settle(clock: ManualClock): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await Promise.resolve();
    clock.advance(0);
  }
}

/** Moves time on by `ms`, in steps of at most 10 ms, and settles after each. */
export async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    clock.advance(Math.min(10, left));
    await settle(clock);
  }
}
