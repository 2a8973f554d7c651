/** A measurement: when, in milliseconds, and what. */
export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

/** By how much a measured value grows in a minute: the line that fits the samples best (least squares). */
export function slopePerMinute(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const meanAt = mean(({ atMs }) => atMs);
  const meanValue = mean(({ value }) => value);
  const together = mean(({ atMs, value }) => (atMs - meanAt) * (value - meanValue));
  const spread = mean(({ atMs }) => (atMs - meanAt) ** 2);
  return spread === 0 ? 0 : (together / spread) * 60_000;
}
