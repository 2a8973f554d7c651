/** Between which numbers of workers a pool moves, and how long it looks before it does. */
export interface SizeLimits {
  readonly min: number;
  readonly max: number;
  /** How long calls must have waited for a further worker, in milliseconds. */
  readonly scaleUpAfterMs: number;
  /** How long workers must have been superfluous, in milliseconds. */
  readonly scaleDownAfterMs: number;
}

/** What a pool has to do, and with what. */
export interface PoolLoad {
  /** Calls that want a place in a worker: those in flight and those in the queue. */
  readonly calls: number;
  /** Calls that one worker takes at a time. */
  readonly perWorker: number;
}

/** The size of a pool: the workers that are wanted, and what speaks for another number. */
export interface PoolSize {
  readonly wanted: number;
  /** For how long another number would have been better, and the one nearest to `wanted` that would have been. */
  readonly trend?: { readonly direction: "up" | "down"; readonly sinceMs: number; readonly nearest: number };
}

/** How full the workers that stay may become when one leaves: a pool at the edge keeps what it has. */
const fullEnough = 0.8;

/**
 * How many workers a pool wants. It grows when calls have waited all through `scaleUpAfterMs`, by the fewest workers that would have
 * been enough at any time of it; it shrinks when workers were superfluous all through `scaleDownAfterMs`, to the most that were of use
 * at any time of it. So a short burst starts nothing, a short pause ends nothing, and it shrinks at most once in `scaleDownAfterMs`.
 */
export function decidePoolSize(
  size: PoolSize,
  { calls, perWorker }: PoolLoad,
  { min, max, scaleUpAfterMs, scaleDownAfterMs }: SizeLimits,
  nowMs: number,
): PoolSize {
  const wanted = clamp(size.wanted, min, max);
  const needed = clamp(Math.ceil(calls / perWorker), min, max);
  const comfortable = clamp(Math.ceil(calls / (perWorker * fullEnough)), min, max);
  const direction = needed > wanted ? "up" : comfortable < wanted ? "down" : undefined;
  if (direction === undefined) return { wanted };

  const seen = direction === "up" ? needed : comfortable;
  const before = size.trend?.direction === direction ? size.trend : { sinceMs: nowMs, nearest: seen };
  const nearest = direction === "up" ? Math.min(before.nearest, seen) : Math.max(before.nearest, seen);
  const lastedMs = nowMs - before.sinceMs;
  if (lastedMs >= (direction === "up" ? scaleUpAfterMs : scaleDownAfterMs)) return { wanted: nearest };
  return { wanted, trend: { direction, sinceMs: before.sinceMs, nearest } };
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
