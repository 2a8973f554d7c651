/** The `q`-quantile by linear interpolation between the two nearest ranks. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

/** A bar on a ratio: reached at or above it, or at or below it. */
export interface Bar {
  readonly at: "least" | "most";
  readonly ratio: number;
}

export type Verdict = "pass" | "short" | "noisy" | "info";

/**
 * What paired ratios say about a bar. *short*: the median and the better quartile miss it; *noisy*: the quartiles straddle it and the
 * median misses it, so the runs do not tell.
 */
export function verdict(ratios: readonly number[], bar: Bar | undefined): Verdict {
  if (bar === undefined) return "info";
  const reached = (ratio: number): boolean => (bar.at === "least" ? ratio >= bar.ratio : ratio <= bar.ratio);
  if (reached(quantile(ratios, 0.5))) return "pass";
  return reached(quantile(ratios, bar.at === "least" ? 0.75 : 0.25)) ? "noisy" : "short";
}
