/** How many restarts a supervisor takes in which time before it gives up. */
export interface RestartLimit {
  /** More restarts than this within `periodMs` end the supervisor. */
  readonly intensity: number;
  readonly periodMs: number;
}

/**
 * Counts one more restart at `nowMs`: the restarts that are still in the window, and whether they are too many. A restart
 * exactly `periodMs` ago still counts, as in OTP.
 */
export function countRestart(
  restarts: readonly number[],
  nowMs: number,
  limit: RestartLimit,
): { readonly restarts: readonly number[]; readonly exceeded: boolean } {
  const kept = restarts.filter((at) => at >= nowMs - limit.periodMs);
  kept.push(nowMs);
  return { restarts: kept, exceeded: kept.length > limit.intensity };
}
