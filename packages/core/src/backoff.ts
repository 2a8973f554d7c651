export interface BackoffOptions {
  /** Delay after the first failure, in milliseconds. */
  readonly firstMs: number;
  /** Upper bound of the delay, in milliseconds. */
  readonly maxMs: number;
}

/**
 * Exponential back-off with full jitter on the upper half: after `failures` consecutive failures, a delay between half
 * and all of `firstMs · 2^(failures − 1)`, at most `maxMs`. Jitter keeps workers that died together from starting together.
 *
 * @param random a number in [0, 1); injected so that a run can be replayed.
 */
export function backoffMs(failures: number, options: BackoffOptions, random: () => number): number {
  if (failures <= 0) return 0;
  const ceiling = Math.min(options.maxMs, options.firstMs * 2 ** (failures - 1));
  return ceiling / 2 + (ceiling / 2) * random();
}
