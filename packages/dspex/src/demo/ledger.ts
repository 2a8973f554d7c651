import type { Explanation } from "@dspex/orchestrator";
import type { TelemetryBus } from "@dspex/telemetry";

/** Calls by endpoint. */
export type EndpointCalls = Record<string, number>;

/** What the demo counts while it runs, from telemetry alone. */
export interface DemoLedger {
  /** Calls that ran again on another worker. */
  readonly retried: number;
  /** Actors that supervisors restarted. */
  readonly restarts: number;
  /** Runs of pipelines that ended. */
  readonly pipelines: number;
  /** The settled calls, in the order of their ends. */
  readonly calls: readonly SettledCall[];
  /** As the workers report it. */
  readonly dspyVersion: string;
}

export interface SettledCall {
  readonly callId: string;
  readonly ok: boolean;
  readonly endpoint: string | undefined;
  /** On the runtime's clock. */
  readonly startedAtMs: number;
  readonly durationMs: number;
}

export function keepLedger(telemetry: TelemetryBus): DemoLedger {
  const ledger = { retried: 0, restarts: 0, pipelines: 0, calls: [] as SettledCall[], dspyVersion: "" };
  telemetry.on("pool.worker.ready", ({ fields }) => (ledger.dspyVersion = fields.dspy));
  telemetry.on("pool.call.retried", () => (ledger.retried += 1));
  telemetry.on("pipeline.run.settled", () => (ledger.pipelines += 1));
  telemetry.on("supervisor.report", ({ fields }) => {
    if (fields.report === "started" && (fields.generation ?? 1) > 1) ledger.restarts += 1;
  });
  telemetry.on("call.settled", ({ atMs, fields: { callId, ok, endpoint, durationMs } }) => {
    ledger.calls.push({ callId, ok, endpoint, durationMs, startedAtMs: atMs - durationMs });
  });
  return ledger;
}

/** How many calls each endpoint was given, of those that began in [fromMs, toMs). */
export function endpointCalls(
  calls: readonly SettledCall[],
  endpoints: readonly string[],
  fromMs: number,
  toMs: number,
): EndpointCalls {
  const counts: EndpointCalls = Object.fromEntries(endpoints.map((endpoint) => [endpoint, 0]));
  for (const { endpoint, startedAtMs } of calls)
    if (endpoint !== undefined && startedAtMs >= fromMs && startedAtMs < toMs)
      counts[endpoint] = (counts[endpoint] ?? 0) + 1;
  return counts;
}

export type Decision = Pick<Explanation, "callId" | "chose" | "among" | "because">;

/** Why each call went where it went. */
export function decisionsOf(
  calls: readonly SettledCall[],
  explain: (callId: string) => Explanation | undefined,
): readonly Decision[] {
  return calls.flatMap(({ callId }) => {
    const explanation = explain(callId);
    if (explanation === undefined) return [];
    const { chose, among, because } = explanation;
    return [{ callId, chose, among, because }];
  });
}
