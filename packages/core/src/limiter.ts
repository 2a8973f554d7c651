/** Between which numbers a limit may move. */
export interface LimitBounds {
  readonly min: number;
  readonly max: number;
}

/** What was seen of a worker since its limit was last looked at. */
export interface LoadSample {
  /** How late its event loop runs, in milliseconds. */
  readonly lagMs: number;
  /** Calls that it has. */
  readonly inFlight: number;
  /** Calls that it answered in this time. */
  readonly answered: number;
  /** The time, in milliseconds. */
  readonly elapsedMs: number;
}

/** Below this, waiting for the loop hurts nobody. */
const harmlessLagMs = 25;
/** Of a call's time; above it, the call mostly waits for its neighbours. */
const maxLagShare = 0.25;

/**
 * The next limit of calls at a time: halved when calls wait for one another instead of for the world, raised by a quarter when the limit is
 * what holds calls back, and else left alone (additive-increase rules are too slow where one looks every few seconds).
 *
 * Calls that compute make the loop late by as much as they take themselves; calls that wait for a language model take a thousand times as
 * long as they keep the loop. So not the lag alone decides but its share of a call's time, which by Little's law is the number in flight
 * over the rate of answers: no call has to be timed.
 */
export function nextLimit(limit: number, { min, max }: LimitBounds, sample: LoadSample): number {
  const { lagMs, inFlight, answered, elapsedMs } = sample;
  if (inFlight === 0) return limit;
  const callMs = (inFlight * elapsedMs) / Math.max(1, answered);
  if (lagMs > harmlessLagMs && lagMs > callMs * maxLagShare) return Math.max(min, Math.floor(limit / 2));
  if (lagMs > harmlessLagMs / 2 || inFlight < limit) return limit;
  return Math.min(max, Math.ceil(limit * 1.25));
}
