import type { ExitReason } from "./exit-reason.ts";
import type { Overflow } from "./mailbox.ts";

/** What a report about a child says. */
export type ChildReport =
  /** A child is up (OTP's progress report). Above generation 1 it was restarted. */
  | { readonly report: "started" }
  | {
      /**
       * `child_terminated`: it ended by itself. `start_error`: it did not start. `shutdown_error`: it was asked to stop and ended
       * otherwise. `late_failure`: code of an incarnation that had ended already failed; nothing follows from that.
       */
      readonly report: "child_terminated" | "start_error" | "shutdown_error" | "late_failure";
      readonly reason: ExitReason;
    }
  /** The supervisor gives up: this child ended once too often. */
  | { readonly report: "shutdown"; readonly reason: "reached_max_restart_intensity" }
  /** More messages wait for the child than its mailbox holds. Said once, until the mailbox has been empty again. */
  | { readonly report: "mailbox_full"; readonly limit: number; readonly overflow: Overflow };

/** What supervisors report, in OTP's words. */
export type SupervisorReport = {
  /** The supervisor that reports, from the root down. */
  readonly path: readonly string[];
} & (
  | (ChildReport & {
      readonly child: string;
      /** Which start of the child this is about; 1 is the first. */
      readonly generation: number;
    })
  | {
      /** The application ended without having been stopped; `cause` is the first failure that led to it. */
      readonly report: "application_exited";
      readonly reason: ExitReason;
      readonly cause: SupervisorReport | undefined;
    }
  /** The supervisor was sent something that it does not know, and ignored it. */
  | { readonly report: "unexpected_message"; readonly event: string }
  /** Asynchronous code of no actor of any tree failed. Node's own rule follows. */
  | { readonly report: "unattributed_failure"; readonly reason: ExitReason }
);

/** Where reports go. What it throws is ignored: a supervisor does not depend on its log. */
export type ReportSink = (report: SupervisorReport) => void;
