import { messageOf } from "@dspex/core";
import type { ExitReason, SupervisorReport } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";

/** Fills the supervisors' port: their reports become telemetry. */
export function reportTelemetry(telemetry: TelemetryBus): (report: SupervisorReport) => void {
  return (report) => {
    telemetry.emit("supervisor.report", {
      report: report.report,
      path: report.path.join("/"),
      ...("child" in report ? { child: report.child } : {}),
      ...("generation" in report ? { generation: report.generation } : {}),
      ...("reason" in report ? { reason: reasonText(report.reason) } : {}),
    });
  };
}

function reasonText(reason: ExitReason | "reached_max_restart_intensity"): string {
  if (typeof reason === "string") return reason;
  return "error" in reason ? `error: ${messageOf(reason.error)}` : `shutdown: ${messageOf(reason.shutdown)}`;
}
