/** How many pieces a stream of the benchmarks has (`python/bench_functions.py`, and the FastAPI peer). */
export const deltas = 10_000;

/** Reads a stream to its end: deltas per second. */
export async function rateOf(stream: AsyncIterable<unknown>): Promise<number> {
  const startedAt = performance.now();
  let count = 0;
  let last: unknown;
  for await (const item of stream) {
    count += 1;
    last = item;
  }
  const expected = `token ${deltas - 1} `;
  if (count !== deltas || (last as { delta: string }).delta !== expected)
    throw new Error(`A stream is not complete: ${count} items, the last ${JSON.stringify(last)}`);
  return (count * 1_000) / (performance.now() - startedAt);
}
