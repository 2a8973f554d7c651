import { createManualClock, DspexError, type ManualClock } from "@dspex/core";
import {
  exit,
  isErrorExit,
  kill,
  server,
  startApplication,
  type Application,
  type ApplicationOptions,
  type ChildSpec,
  type ExitReason,
  type SupervisorReport,
} from "@dspex/supervisors";
import type { AnyActorRef } from "xstate";

type WorkerMessage = { readonly type: "end"; readonly reason: ExitReason };

export interface WorkerOptions extends Partial<Omit<ChildSpec, "id" | "start">> {
  /** How it reacts to being asked to stop: at once, after so many milliseconds, never, or with a throw. */
  readonly stop?: "prompt" | number | "never" | "throws";
}

/** A tree under test: a clock that only the test moves, children that write down their starts and ends, and all reports. */
export class Stage {
  readonly clock: ManualClock = createManualClock();
  /** Ids whose start fails while they are in here. */
  readonly failing = new Set<string>();
  /** Ids whose start says `ignore` while they are in here. */
  readonly ignoring = new Set<string>();
  readonly reports: SupervisorReport[] = [];
  readonly #refs = new Map<string, AnyActorRef>();
  #events: string[] = [];
  #app: Application | undefined;

  /** `+a` started · `!a` failed to start · `?a` ignored · `-a` asked to stop and done · `-a reason` ended otherwise. */
  take(): string {
    const events = this.#events.join(" ");
    this.#events = [];
    return events;
  }

  get app(): Application {
    return this.#app!;
  }

  async start(options: ApplicationOptions): Promise<Application> {
    const onReport = (report: SupervisorReport): void => void this.reports.push(report);
    const starting = startApplication({ clock: this.clock, onReport, ...options });
    await this.#turns();
    this.#app = await starting;
    return this.#app;
  }

  worker(id: string, { stop = "prompt", ...place }: WorkerOptions = {}): ChildSpec {
    return { id, ...place, start: () => this.logic(id, stop) };
  }

  logic(id: string, stop: WorkerOptions["stop"] = "prompt"): ReturnType<ChildSpec["start"]> {
    if (this.ignoring.has(id)) {
      this.#events.push(`?${id}`);
      return "ignore";
    }
    if (this.failing.has(id)) {
      this.#events.push(`!${id}`);
      throw new Error(`${id} cannot start`);
    }
    return server<{ left: boolean }, WorkerMessage>({
      init: ({ self }) => {
        this.#refs.set(id, self);
        this.#events.push(`+${id}`);
        const ended = (): void => {
          const reason = endOf(self);
          this.#events.push(reason === "shutdown" ? `-${id}` : `-${id} ${reason}`);
        };
        self.subscribe({ complete: ended, error: ended });
        return { left: false };
      },
      receive(state, { reason }) {
        state.left = true;
        if (isErrorExit(reason)) throw reason.error;
        return exit(reason);
      },
      terminate: (state) => {
        if (state.left || stop === "prompt") return;
        if (stop === "throws") throw new Error(`${id} cannot stop`);
        return new Promise<void>((resolve) => {
          if (typeof stop === "number") this.clock.setTimeout(resolve, stop);
        });
      },
    });
  }

  /** The newest incarnation of a child of this id. */
  ref(id: string): AnyActorRef {
    return this.#refs.get(id)!;
  }

  /** Makes a child end by itself, or kills it, and lets everything happen that is due now. */
  async end(id: string, reason: ExitReason = { error: new Error("crash") }): Promise<string> {
    if (reason === "killed") kill(this.ref(id));
    else this.ref(id).send({ type: "end", reason } satisfies WorkerMessage);
    return this.settle();
  }

  /** Lets everything happen that is due now, and gives back what happened. */
  async settle(): Promise<string> {
    await this.#turns();
    return this.take();
  }

  async #turns(): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) {
      await Promise.resolve();
      this.clock.advance(0);
    }
  }

  /** Moves time on, step by step so that promises get their turn. */
  async pass(ms: number): Promise<string> {
    let events = "";
    for (let left = ms; left > 0; left -= 10) {
      this.clock.advance(Math.min(10, left));
      const more = await this.settle();
      if (more !== "") events += `${events === "" ? "" : " "}${more}`;
    }
    return events;
  }

  /** The reports of one kind, as `child` or `child reason`. */
  reported(kind: SupervisorReport["report"]): string[] {
    return this.reports
      .filter(({ report }) => report === kind)
      .map((report) => {
        const child = "child" in report ? report.child : report.path.join("/");
        return "reason" in report ? `${child} ${wordOf(report.reason)}` : child;
      });
  }
}

function endOf(ref: AnyActorRef): string {
  const { status, output } = ref.getSnapshot() as { status: string; output?: { reason: ExitReason } };
  if (status === "error") return "error";
  return status === "done" ? wordOf(output!.reason) : "killed";
}

export function wordOf(reason: ExitReason | "reached_max_restart_intensity"): string {
  if (typeof reason === "string") return reason;
  return isErrorExit(reason) ? "error" : "shutdown_term";
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
