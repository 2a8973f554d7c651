import { quantile } from "./statistics.ts";

/**
 * Calls per second with `inFlight` calls always on their way.
 *
 * @param windowMs how long one measurement lasts, in milliseconds.
 */
export async function rate(inFlight: number, call: () => Promise<unknown>, windowMs = 800): Promise<number> {
  const startedAt = performance.now();
  const endAt = startedAt + windowMs;
  let calls = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < endAt) {
        await call();
        calls += 1;
      }
    }),
  );
  return (calls * 1_000) / (performance.now() - startedAt);
}

/** The median time of a call, one after the other, in milliseconds. */
export async function serialP50(calls: number, call: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < calls; index += 1) {
    const startedAt = performance.now();
    await call();
    times.push(performance.now() - startedAt);
  }
  return quantile(times, 0.5);
}
