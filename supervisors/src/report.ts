import type { ExitReason } from "./exit-reason.ts";

/** What supervisors report, in OTP's words. */
export type SupervisorReport = {
  /** The supervisor that reports, from the root down. */
  readonly path: readonly string[];
} & (
  | {
      /** A child is up (OTP's progress report), or ended and may be restarted. */
      readonly report: "started";
      readonly child: string;
      readonly generation: number;
    }
  | {
      /** `child_terminated`: it ended by itself. `start_error`: it did not start. `shutdown_error`: it was asked to stop and ended otherwise. */
      readonly report: "child_terminated" | "start_error" | "shutdown_error";
      readonly child: string;
      readonly generation: number;
      readonly reason: ExitReason;
    }
  | {
      /** The supervisor gives up: this child ended once too often. */
      readonly report: "shutdown";
      readonly child: string;
      readonly reason: "reached_max_restart_intensity";
    }
  | {
      /** The application ended without having been stopped; `cause` is the first failure that led to it. */
      readonly report: "application_exited";
      readonly reason: ExitReason;
      readonly cause: SupervisorReport | undefined;
    }
);

/** Where reports go. What it throws is ignored: a supervisor does not depend on its log. */
export type ReportSink = (report: SupervisorReport) => void;
