import type { OperationBelief, PairBelief } from "./beliefs.ts";
import { quantile } from "./quantile.ts";

/** What was measured of an operation at an endpoint. Rates and quantiles are of its latest 100 LM requests at most. */
export interface Insight {
  readonly operation: string;
  readonly endpoint: string;
  /** Calls that went there since the learner started. */
  readonly calls: number;
  /** 0 to 1. */
  readonly failureRate: number;
  /** Of the requests that succeeded; absent when none did. */
  readonly p50Ms?: number;
  readonly p95Ms?: number;
  /** The part of the operation's latest 100 calls that went there, 0 to 1. */
  readonly share: number;
  /** How the newer half of the requests compares with the older one, when there are at least 20. */
  readonly trend?: "degrading" | "improving" | "steady";
}

const leastForTrend = 20;

/** The medians of the halves differ by this factor, or nothing is said to have changed. */
const trendFactor = 1.5;

export function insightsOf(operations: ReadonlyMap<string, OperationBelief>): Insight[] {
  return [...operations].flatMap(([operation, { pairs, choices }]) => {
    const latest = choices.newest();
    return [...pairs].map(([endpoint, pair]): Insight => {
      const chosen = latest.filter((choice) => choice === endpoint).length;
      return {
        operation,
        endpoint,
        calls: pair.calls,
        ...measured(pair),
        share: chosen / Math.max(1, latest.length),
      };
    });
  });
}

function measured({
  latencies,
  outcomes,
}: PairBelief): Pick<Insight, "failureRate" | "p50Ms" | "p95Ms" | "trend"> {
  const failed = outcomes.newest().filter((ok) => !ok).length;
  const failureRate = failed / Math.max(1, outcomes.size);
  const times = latencies.newest();
  const [p50Ms, p95Ms] = [quantile(times, 0.5), quantile(times, 0.95)];
  if (p50Ms === undefined || p95Ms === undefined) return { failureRate };
  const trend = trendOf(times);
  return { failureRate, p50Ms, p95Ms, ...(trend === undefined ? {} : { trend }) };
}

function trendOf(times: readonly number[]): Insight["trend"] {
  if (times.length < leastForTrend) return undefined;
  const half = Math.floor(times.length / 2);
  const change = quantile(times.slice(half), 0.5)! / quantile(times.slice(0, half), 0.5)!;
  if (change >= trendFactor) return "degrading";
  return change <= 1 / trendFactor ? "improving" : "steady";
}
