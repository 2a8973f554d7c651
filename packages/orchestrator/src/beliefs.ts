import { Drift, Estimate } from "./estimate.ts";
import { quantile } from "./quantile.ts";
import { Ring } from "./ring.ts";

/** Requests that quantiles are taken of, per operation and endpoint. */
const windowSize = 100;

/** Decisions that an operation's shares are taken of. */
const shareWindow = 100;

/** How many of the latest requests an explanation speaks of. */
const explainedRequests = 20;

/** The part by which one request moves what is believed of latencies, on their logarithms. */
const latencyWeight = 0.1;

/** The same for failures, which are rarer and matter more. */
const failureWeight = 0.2;

/** What is believed of an endpoint for all operations: how it moved, and which calls it has not answered. */
export class EndpointBelief {
  readonly name: string;
  readonly latency = new Drift();
  readonly duration = new Drift();
  readonly failures = new Drift();
  /** How the last request there, of any operation, compares with what is expected of it now: a difference of logarithms, or that it failed. */
  last: number | "failed" = 0;
  /** Calls on their way that no later call has overtaken, oldest first. */
  readonly waiting = new Map<string, OpenCall>();

  constructor(name: string) {
    this.name = name;
  }
}

/** A call that was decided and is not over. */
export interface OpenCall {
  readonly callId: string;
  /** Its place in the order of the questions. */
  readonly asked: number;
  readonly atMs: number;
  readonly operation: OperationBelief;
  readonly at: PairBelief;
}

/** What is believed of one operation at one endpoint. Durations are natural logarithms of milliseconds where not said otherwise. */
export class PairBelief {
  readonly endpoint: EndpointBelief;
  /** Of LM requests that succeeded. */
  readonly latency: Estimate;
  /** Of whole calls that succeeded, their time in queues included: what a waiting call is compared with. */
  readonly duration: Estimate;
  /** The rate, 0 to 1. One success is taken for granted. */
  readonly failures: Estimate;
  /** Of requests that succeeded, in milliseconds. */
  readonly latencies = new Ring<number>(windowSize);
  readonly outcomes = new Ring<boolean>(windowSize);
  /** Decisions for it. */
  calls = 0;
  /** The latest call that succeeded, by {@link OpenCall.asked}: it overtook what was asked before it. */
  overtakenBy = -1;
  #median: number | undefined;

  constructor(endpoint: EndpointBelief) {
    this.endpoint = endpoint;
    this.latency = new Estimate(endpoint.latency, latencyWeight);
    this.duration = new Estimate(endpoint.duration, latencyWeight);
    this.failures = new Estimate(endpoint.failures, failureWeight, 0);
  }

  request(ok: boolean, durationMs: number): void {
    this.outcomes.push(ok);
    this.failures.learn(ok ? 0 : 1);
    if (!ok) {
      this.endpoint.last = "failed";
      return;
    }
    this.latency.learn(logOf(durationMs));
    this.endpoint.last = logOf(durationMs) - this.latency.value;
    this.latencies.push(durationMs);
    this.#median = undefined;
  }

  get failureRate(): number {
    return Math.min(1, Math.max(0, this.failures.value));
  }

  /** The requests that {@link medianMs} is of. */
  get explainedRequests(): number {
    return Math.min(explainedRequests, this.latencies.size);
  }

  /** Of the latest few requests, in milliseconds; `undefined` when none succeeded. */
  get medianMs(): number | undefined {
    this.#median ??= quantile(this.latencies.newest(explainedRequests), 0.5);
    return this.#median;
  }
}

/** What is believed of an operation. */
export class OperationBelief {
  readonly pairs = new Map<string, PairBelief>();
  /** Where its latest calls went. */
  readonly choices = new Ring<string>(shareWindow);
  /** Where its calls go at present. */
  usual: string | undefined;

  /**
   * What is expected at an endpoint: what was seen there, else the best that was seen at another one, as far as this one did not
   * move since. `undefined` while nothing is known of the operation.
   */
  expected(at: PairBelief, what: "latency" | "duration"): number | undefined {
    if (at[what].known) return at[what].value;
    let best: number | undefined;
    for (const pair of this.pairs.values()) {
      if (!pair[what].known) continue;
      const value = pair[what].transferredTo(at.endpoint[what]);
      if (best === undefined || value < best) best = value;
    }
    return best;
  }
}

export function logOf(durationMs: number): number {
  return Math.log(Math.max(durationMs, 0.01));
}
