import { hysteresis, type Choice } from "./policy.ts";

/** What was known of an endpoint when a call was decided. Measured numbers; the expectation is made of them. */
export interface EndpointEstimate {
  readonly endpoint: string;
  /** How long its next LM request of this operation is expected to take; `undefined` while nothing is known. */
  readonly expectedMs: number | undefined;
  /** The discounted rate of failures, 0 to 1. */
  readonly failureRate: number;
  /** The median of its latest requests of this operation that succeeded, at most 20; `undefined` when there are none. */
  readonly medianMs: number | undefined;
  /** How many requests that median is of. */
  readonly requests: number;
  /** Calls there that have been on their way for more than twice the usual time. */
  readonly overdue: number;
}

/** Why a call went where it went. */
export interface Explanation {
  readonly callId: string;
  readonly operation: string;
  /** The endpoint. */
  readonly chose: string;
  /** The endpoints that it was chosen among. */
  readonly among: readonly string[];
  /** A sentence with the numbers that were measured. */
  readonly because: string;
  /** Of each of them, in that order; empty where there was nothing to compare. */
  readonly estimates: readonly EndpointEstimate[];
}

/** A decision as it is kept: its sentence is written when somebody asks. */
export interface Decision {
  readonly callId: string;
  readonly operation: string;
  readonly chose: string;
  readonly among: readonly string[];
  readonly why: Choice["why"] | "only" | "no learner";
  readonly estimates: readonly EndpointEstimate[];
  /** From here on the operation's calls go elsewhere, apart from trials. */
  readonly moved?: { readonly from: string; readonly to: string };
}

export function explain(decision: Decision): Explanation {
  const { callId, operation, chose, among, estimates } = decision;
  return { callId, operation, chose, among, because: because(decision), estimates };
}

/** The reason as a sentence. */
export function because({ chose, why, estimates }: Decision): string {
  if (why === "no learner") return "no learner: the first endpoint";
  if (why === "only") return "the only endpoint";
  const nothingKnown = estimates.every((of) => of.requests === 0 && of.overdue === 0 && of.failureRate === 0);
  if (nothingKnown) return "nothing is known yet";
  const others = estimates.filter(({ endpoint }) => endpoint !== chose);
  const numbers = [...others, ...estimates.filter(({ endpoint }) => endpoint === chose)]
    .map(words)
    .join("; ");
  return `${reasons[why](chose)}: ${numbers}`;
}

const reasons: Record<Choice["why"], (chose: string) => string> = {
  best: (chose) => `${chose} is the best bet`,
  kept: (chose) => `${chose} is kept, none is better by ${Math.round(100 * (hysteresis - 1))} %`,
  trial: (chose) => `to see how ${chose} does now`,
};

function words({ endpoint, medianMs, requests, failureRate, overdue }: EndpointEstimate): string {
  const parts = [
    medianMs === undefined
      ? "no reply yet"
      : `${milliseconds(medianMs)} ${requests === 1 ? "in its last request" : `median of the last ${requests} requests`}`,
  ];
  if (failureRate >= 0.01) parts.push(`${Math.round(failureRate * 100)} % failing`);
  if (overdue > 0) parts.push(`${overdue} ${overdue === 1 ? "call" : "calls"} overdue`);
  return `${endpoint}: ${parts.join(", ")}`;
}

function milliseconds(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
