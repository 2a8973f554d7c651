import { seededRandom } from "@dspex/core";
import { EndpointBelief, logOf, OperationBelief, PairBelief, type OpenCall } from "./beliefs.ts";
import type { Decision, EndpointEstimate } from "./decision.ts";
import type { AskedEntry, LearnerRecord } from "./entry.ts";
import { insightsOf, type Insight } from "./insights.ts";
import { choose, type Candidate } from "./policy.ts";

/** Operations that are remembered; the one that was asked for longest ago is forgotten first. */
const maxOperations = 1_000;

/** Calls on their way that are remembered; the oldest is forgotten first. */
const maxOpenCalls = 10_000;

/** The oldest waiting calls of an endpoint that are looked at for one decision. */
const maxLookedAt = 8;

/** A call is overdue once it takes so many times as long as usual. */
const overdueFactor = 2;

/** The part by which one overdue call moves what is expected of its endpoint, on logarithms. */
const overdueWeight = 0.2;

/** A failed trial costs like a request of so many times the usual time. */
const failedTrialFactor = 10;

/** The highest rate of failures that is reckoned with: even then a cost is finite. */
const maxFailureRate = 0.95;

/**
 * What the learner knows, and how it decides. A function of its seed and of what it is told, in that order: no clock, no
 * randomness of its own, nothing outside (G12). All of its tables are bounded (G4).
 */
export class Learning {
  readonly #random: () => number;
  readonly #operations = new Map<string, OperationBelief>();
  readonly #endpoints = new Map<string, EndpointBelief>();
  readonly #open = new Map<string, OpenCall>();
  #asked = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Calls that were decided and are not over. */
  get openCalls(): number {
    return this.#open.size;
  }

  ask({ atMs, callId, operation: name, endpoints }: AskedEntry): Decision {
    const operation = this.#operation(name);
    if (endpoints.length === 1) {
      const chose = endpoints[0]!;
      this.#begin(callId, atMs, operation, this.#pair(operation, chose));
      return { callId, operation: name, chose, among: endpoints, why: "only", estimates: [] };
    }
    const pairs = endpoints.map((endpoint) => this.#pair(operation, endpoint));
    const late = pairs.map(({ endpoint }) => overdueAt(endpoint, atMs));
    const candidates = pairs.map((pair, index) => candidate(operation, pair, late[index]!.shift));
    const { endpoint: chose, why, usual } = choose(candidates, operation.usual, this.#random());
    const estimates = pairs.map((pair, index) => estimate(operation, pair, late[index]!.calls));
    const from = operation.usual;
    operation.usual = usual;
    this.#begin(callId, atMs, operation, operation.pairs.get(chose)!);
    const decision = { callId, operation: name, chose, among: endpoints, why, estimates };
    return from === undefined || from === usual ? decision : { ...decision, moved: { from, to: usual } };
  }

  /** Takes a record. One of a call that was decided without the learner says nothing of an operation, and is passed over. */
  learn(record: LearnerRecord): void {
    const call = this.#open.get(record.callId);
    if (call === undefined) return;
    const { at } = call;
    if (record.entry === "request") {
      if (record.endpoint === at.endpoint.name) at.request(record.ok, record.durationMs);
      return;
    }
    this.#forget(call);
    if (!record.ok) return;
    const took = logOf(record.durationMs);
    // One that is late itself speaks for those that are later still, not against them.
    if (!isOverdue(took, call)) at.overtakenBy = Math.max(at.overtakenBy, call.asked);
    at.duration.learn(took);
  }

  insights(): Insight[] {
    return insightsOf(this.#operations);
  }

  #operation(name: string): OperationBelief {
    const operation = this.#operations.get(name) ?? new OperationBelief();
    this.#operations.delete(name);
    this.#operations.set(name, operation);
    if (this.#operations.size > maxOperations) this.#operations.delete(firstKey(this.#operations));
    return operation;
  }

  #pair(operation: OperationBelief, name: string): PairBelief {
    let pair = operation.pairs.get(name);
    if (pair === undefined) {
      const endpoint = this.#endpoints.get(name) ?? new EndpointBelief(name);
      this.#endpoints.set(name, endpoint);
      pair = new PairBelief(endpoint);
      operation.pairs.set(name, pair);
    }
    return pair;
  }

  #begin(callId: string, atMs: number, operation: OperationBelief, at: PairBelief): void {
    if (this.#open.size >= maxOpenCalls) this.#forget(this.#open.get(firstKey(this.#open))!);
    const call: OpenCall = { callId, asked: this.#asked++, atMs, operation, at };
    this.#open.set(callId, call);
    at.endpoint.waiting.set(callId, call);
    at.calls += 1;
    operation.choices.push(at.endpoint.name);
  }

  #forget({ callId, at }: OpenCall): void {
    this.#open.delete(callId);
    at.endpoint.waiting.delete(callId);
  }
}

function firstKey(map: ReadonlyMap<string, unknown>): string {
  return map.keys().next().value!;
}

/**
 * What the calls that an endpoint has not answered say about it: an endpoint that hangs is known before its first answer.
 * A call that a later one of the same operation overtook in the usual time was an outlier, and says nothing.
 */
function overdueAt(
  endpoint: EndpointBelief,
  atMs: number,
): { readonly shift: number; readonly calls: number } {
  let shift = 0;
  let calls = 0;
  let lookedAt = 0;
  for (const [callId, call] of endpoint.waiting) {
    if (call.asked < call.at.overtakenBy) {
      endpoint.waiting.delete(callId);
      continue;
    }
    if (++lookedAt > maxLookedAt) break;
    const age = logOf(atMs - call.atMs);
    if (!isOverdue(age, call)) continue;
    shift += overdueWeight * (age - call.operation.expected(call.at, "duration")! - shift);
    calls += 1;
  }
  return { shift, calls };
}

/** `age`: a logarithm. Nothing is overdue while nothing is known. */
function isOverdue(age: number, { operation, at }: OpenCall): boolean {
  const usual = operation.expected(at, "duration");
  return usual !== undefined && age > usual + Math.log(overdueFactor);
}

/**
 * The cost of a request: its expected time, over the square of the chance that it succeeds. Asking again until it does takes
 * time over chance; the square is for those who get the error.
 */
function candidate(operation: OperationBelief, pair: PairBelief, overdueShift: number): Candidate {
  const { name, latency, last } = pair.endpoint;
  // While nothing is known, any number does that moves as the endpoint did.
  const expected = (operation.expected(pair, "latency") ?? latency.value) + overdueShift;
  const chance = 1 - Math.min(pair.failureRate, maxFailureRate);
  const cost = Math.exp(expected) / chance ** 2;
  const trial = expected + (last === "failed" ? Math.log(failedTrialFactor) : last);
  return { endpoint: name, cost, trialCost: Math.min(cost, Math.exp(trial)) };
}

function estimate(operation: OperationBelief, pair: PairBelief, overdue: number): EndpointEstimate {
  const expected = operation.expected(pair, "latency");
  return {
    endpoint: pair.endpoint.name,
    expectedMs: expected === undefined ? undefined : Math.exp(expected),
    failureRate: pair.failureRate,
    medianMs: pair.medianMs,
    requests: pair.explainedRequests,
    overdue,
  };
}
