import type { SupervisorReport } from "@dspex/supervisors";

/** What the runtime itself reports: the reports of its supervisors, which know of no telemetry. */
export interface RuntimeEvents {
  "supervisor.report": {
    readonly report: SupervisorReport["report"];
    /** The supervisor, from the root down, as `application/resources/pools`. */
    readonly path: string;
    readonly child?: string;
    /** Which incarnation of the child; above 1, a `started` is a restart. */
    readonly generation?: number;
    readonly reason?: string;
  };
}

declare module "@dspex/telemetry" {
  interface TelemetryEvents extends RuntimeEvents {}
}
