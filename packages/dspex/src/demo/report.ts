import { styleText } from "node:util";
import { accuracyOf, quantile } from "./statistics.ts";
import type { Runtime } from "../runtime.ts";
import type { ActorCount } from "./actor-count.ts";
import type { DemoEndpoints } from "./endpoints.ts";
import type { JobOutcome } from "./job.ts";
import { decisionsOf, endpointCalls, type Decision, type DemoLedger, type EndpointCalls } from "./ledger.ts";
import type { InvalidLine } from "./tickets.ts";

/** The demo's result, field by field as `docs/demo.md` explains it. */
export interface DemoReport {
  readonly tickets: number;
  readonly results: number;
  readonly failed: number;
  readonly retried: number;
  readonly invalidLines: readonly InvalidLine[];
  readonly workersKilled: number;
  readonly restarts: number;
  readonly orphans: number | null;
  readonly dspyVersion: string;
  readonly transport: "stdio/msgpack";
  readonly accuracy: number | null;
  readonly baseline: number | null;
  readonly chainOfThought: number;
  readonly firstCallMs: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly pipelines: number;
  readonly sessions: number;
  readonly endpointCalls: {
    readonly slowed: string;
    readonly before: EndpointCalls;
    readonly after: EndpointCalls;
  } | null;
  readonly decisions: readonly Decision[];
  readonly actorsLived: number;
  readonly inspectedActors: number;
}

export interface DemoFacts extends JobOutcome {
  /** Tickets of the input. */
  readonly tickets: number;
  readonly invalidLines: readonly InvalidLine[];
  readonly orphans: number | null;
  readonly actors: ActorCount;
  readonly endpoints: DemoEndpoints;
  readonly ledger: DemoLedger;
  readonly runtime: Pick<Runtime, "explain">;
}

export function createReport(facts: DemoFacts): DemoReport {
  const { tickets, results, invalidLines, workersKilled, orphans, firstCallMs, ledger } = facts;
  const answered = new Set(results.filter(({ ok }) => ok).map(({ ticket }) => ticket.id));
  const durations = ledger.calls.filter(({ ok }) => ok).map(({ durationMs }) => durationMs);
  return {
    tickets,
    results: answered.size,
    failed: tickets - answered.size,
    retried: ledger.retried,
    invalidLines,
    workersKilled,
    restarts: ledger.restarts,
    orphans,
    dspyVersion: ledger.dspyVersion,
    transport: "stdio/msgpack",
    ...accuracyOf(results),
    chainOfThought: results.filter((result) => result.ok && result.answer.reasoning !== undefined).length,
    firstCallMs: rounded(firstCallMs),
    p50Ms: rounded(quantile(durations, 0.5)),
    p99Ms: rounded(quantile(durations, 0.99)),
    pipelines: ledger.pipelines,
    sessions: facts.sessions,
    endpointCalls: shift(facts),
    decisions: decisionsOf(ledger.calls, facts.runtime.explain),
    actorsLived: facts.actors.lived,
    inspectedActors: facts.actors.inspected,
  };
}

/** Where the calls went before and after an endpoint became slow. */
function shift({ endpoints, slowedAtMs, ledger: { calls } }: DemoFacts): DemoReport["endpointCalls"] {
  if (endpoints.slow === undefined || slowedAtMs === null) return null;
  const names = Object.keys(endpoints.lm);
  return {
    slowed: endpoints.slow.endpoint,
    before: endpointCalls(calls, names, -Infinity, slowedAtMs),
    after: endpointCalls(calls, names, slowedAtMs, Infinity),
  };
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}

/** The report for people. */
export function renderReport(report: DemoReport, calls: number): string {
  const percent = (share: number | null): string => (share === null ? "—" : `${(share * 100).toFixed(1)} %`);
  const lines: readonly (readonly [string, string])[] = [
    ["tickets", `${report.tickets}, of them ${report.results} with a result and ${report.failed} without`],
    [
      "accuracy",
      `${percent(report.accuracy)}; always naming the commonest class: ${percent(report.baseline)}`,
    ],
    ["looked at twice", `${report.chainOfThought} (ChainOfThought, where Predict was not sure)`],
    ["pipelines", `${report.pipelines} runs, in ${report.sessions} conversations`],
    ["calls", `${calls}, of them ${report.retried} run again on another worker`],
    [
      "workers killed",
      `${report.workersKilled}; restarts by supervisors: ${report.restarts}; processes left: ${report.orphans ?? "not known on this system"}`,
    ],
    ["endpoints", report.endpointCalls === null ? "one" : shiftText(report.endpointCalls)],
    ["actors", `${report.actorsLived} lived, ${report.inspectedActors} seen by the inspector`],
    [
      "latency",
      `p50 ${report.p50Ms ?? "—"} ms, p99 ${report.p99Ms ?? "—"} ms; first call after ${report.firstCallMs ?? "—"} ms`,
    ],
    ["DSPy", `${report.dspyVersion} over ${report.transport}`],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const table = lines.map(([name, value]) => `  ${styleText("dim", name.padEnd(width))}  ${value}`);
  const invalid = report.invalidLines.map(
    ({ line, reason }) => `  ${styleText("yellow", `line ${line} skipped:`)} ${reason}`,
  );
  return ["", ...table, ...invalid, ""].join("\n");
}

function shiftText({ slowed, before, after }: NonNullable<DemoReport["endpointCalls"]>): string {
  const shares = (calls: EndpointCalls): string =>
    Object.entries(calls)
      .map(([endpoint, count]) => `${endpoint} ${count}`)
      .join(", ");
  return `${shares(before)} calls; after ${slowed} became slow: ${shares(after)}`;
}
