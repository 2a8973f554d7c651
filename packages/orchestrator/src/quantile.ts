/** The quantile `q` of the values by nearest rank: always one that was measured. `undefined` when there are none. */
export function quantile(values: readonly number[], q: number): number | undefined {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}
