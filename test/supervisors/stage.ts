import { DspexError } from "@dspex/core";
import {
  startApplication,
  type Application,
  type ApplicationOptions,
  type ChildSpec,
  type ExitReason,
  type SupervisorReport,
} from "@dspex/supervisors";
import {
  createManualClock,
  createRecorder,
  pass,
  settle,
  wordOf,
  type RecordedChildOptions,
} from "@dspex/supervisors/testing";
import type { AnyActorRef } from "xstate";

/** A tree under test: a clock that only the test moves, recorded children, and all reports. */
export class Stage {
  readonly clock = createManualClock();
  readonly recorder = createRecorder(this.clock);
  readonly failing = this.recorder.failing;
  readonly ignoring = this.recorder.ignoring;
  readonly reports: SupervisorReport[] = [];
  #app: Application | undefined;

  take(): string {
    return this.recorder.take();
  }

  get app(): Application {
    return this.#app!;
  }

  async start(options: ApplicationOptions): Promise<Application> {
    const onReport = (report: SupervisorReport): void => void this.reports.push(report);
    const starting = startApplication({ clock: this.clock, onReport, ...options });
    await settle(this.clock);
    this.#app = await starting;
    return this.#app;
  }

  worker(id: string, options?: RecordedChildOptions): ChildSpec {
    return this.recorder.child(id, options);
  }

  logic(id: string, stop?: RecordedChildOptions["stop"]): ReturnType<ChildSpec["start"]> {
    return this.recorder.start(id, stop);
  }

  ref(id: string): AnyActorRef {
    return this.recorder.ref(id);
  }

  /** Makes a child end by itself, or kills it, and lets everything happen that is due now. */
  async end(id: string, reason?: ExitReason): Promise<string> {
    this.recorder.end(id, reason);
    return this.settle();
  }

  /** Lets everything happen that is due now, and gives back what happened. */
  async settle(): Promise<string> {
    await settle(this.clock);
    return this.take();
  }

  /** Moves time on, and gives back what happened meanwhile. */
  async pass(ms: number): Promise<string> {
    await pass(this.clock, ms);
    return this.take();
  }

  /** The reports of one kind, as `child` or `child reason`. */
  reported(kind: SupervisorReport["report"]): string[] {
    return this.reports
      .filter(({ report }) => report === kind)
      .map((report) => {
        const child = "child" in report ? report.child : report.path.join("/");
        return "reason" in report ? `${child} ${reasonOf(report.reason)}` : child;
      });
  }
}

function reasonOf(reason: ExitReason | "reached_max_restart_intensity"): string {
  return reason === "reached_max_restart_intensity" ? reason : wordOf(reason);
}

/** OTP's word for the refusal of a management call, `failed` for a failed start, `noproc`, or `ok`. */
export async function answer(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (DspexError.is(error, "ERR_SUPERVISOR_REFUSED")) return error.details.reason;
    if (DspexError.is(error, "ERR_CHILD_START_FAILED")) return "failed";
    if (DspexError.is(error, "ERR_NO_PROCESS")) return "noproc";
    if (DspexError.is(error, "ERR_INVALID_OPTION")) return error.details.option;
    throw error;
  }
}

/** The ids of the living children of the root, in start order, `(id)` for one without a process. */
export function living(app: Application): string {
  return app
    .tree()
    .children.map(({ id, state }) => (state === "running" ? id : `(${id})`))
    .join(" ");
}
