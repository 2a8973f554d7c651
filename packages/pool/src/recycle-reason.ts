/** When a worker is replaced although nothing is wrong with it; `Infinity`: never for this reason. */
export interface RecycleLimits {
  readonly maxAgeMs: number;
  readonly maxCalls: number;
  readonly maxRssBytes: number;
  readonly maxLagMs: number;
}

/** What is known of a worker that is ready. */
export interface WorkerWear {
  readonly ageMs: number;
  /** Calls that it was given. */
  readonly calls: number;
  /** Of its latest PONG; absent before the first. `rssBytes` is `null` where it could not be measured, and then says nothing. */
  readonly health: { readonly lagMs: number; readonly rssBytes: number | null } | undefined;
}

export type RecycleReason = "age" | "calls" | "memory" | "lag";

/** The most of `maxAgeMs` and `maxCalls` that a worker's own limit may be below them. */
const spread = 0.1;

/**
 * Why a worker is to be replaced, if it is.
 *
 * @param jitter the worker's own, in [0, 1): workers that started together are not due together.
 */
export function recycleReason(
  { maxAgeMs, maxCalls, maxRssBytes, maxLagMs }: RecycleLimits,
  { ageMs, calls, health }: WorkerWear,
  jitter: number,
): RecycleReason | undefined {
  const share = 1 - spread * jitter;
  if (ageMs >= maxAgeMs * share) return "age";
  if (calls >= maxCalls * share) return "calls";
  // One that has run nothing is as small and as quick as its replacement would be.
  if (health === undefined || calls === 0) return undefined;
  if (health.rssBytes !== null && health.rssBytes > maxRssBytes) return "memory";
  return health.lagMs > maxLagMs ? "lag" : undefined;
}
