import type { TelemetryBus } from "@dspex/telemetry";

/** What the demo counts while it runs, from telemetry alone. */
export interface DemoLedger {
  /** Calls that ran again on another worker. */
  readonly retried: number;
  /** Actors that supervisors restarted. */
  readonly restarts: number;
  readonly calls: number;
  /** Durations of the calls that succeeded, in milliseconds. */
  readonly durationsMs: readonly number[];
  /** As the workers report it. */
  readonly dspyVersion: string;
}

export function keepLedger(telemetry: TelemetryBus): DemoLedger {
  const ledger = { retried: 0, restarts: 0, calls: 0, durationsMs: [] as number[], dspyVersion: "" };
  telemetry.on("pool.worker.ready", ({ fields }) => (ledger.dspyVersion = fields.dspy));
  telemetry.on("pool.call.retried", () => (ledger.retried += 1));
  telemetry.on("supervisor.report", ({ fields }) => {
    if (fields.report === "started" && (fields.generation ?? 1) > 1) ledger.restarts += 1;
  });
  telemetry.on("call.settled", ({ fields }) => {
    ledger.calls += 1;
    if (fields.ok) ledger.durationsMs.push(fields.durationMs);
  });
  return ledger;
}
