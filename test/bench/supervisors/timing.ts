/** Microseconds for each of `count` things that `work` does. */
export async function microsecondsEach(count: number, work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return ((performance.now() - startedAt) * 1_000) / count;
}

/**
 * The mean of so many measurements, so that what is short is measured about as long as what is not, and pays for its garbage as
 * that does. Nothing is collected by force in between: that throws compiled code away too.
 */
export async function meanOf(times: number, measure: () => Promise<number>): Promise<number> {
  let sum = 0;
  for (let time = 0; time < times; time += 1) sum += await measure();
  return sum / times;
}
