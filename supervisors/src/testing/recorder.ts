import type { Clock } from "@dspex/core";
import type { AnyActorRef } from "xstate";
import type { ChildSpec, ChildStart } from "../child-spec.ts";
import { isErrorExit, type ExitReason } from "../exit-reason.ts";
import { kill } from "../management.ts";
import { exit, server } from "../server.ts";

export interface RecordedChildOptions extends Partial<Omit<ChildSpec, "id" | "start">> {
  /** How it reacts to being asked to stop: at once, after so many milliseconds, never, or with a throw. @default "prompt" */
  readonly stop?: "prompt" | number | "never" | "throws";
}

/** Children that write down their starts and ends, and fail when the test says so. */
export interface Recorder {
  /** Ids whose start fails while they are in here. */
  readonly failing: Set<string>;
  /** Ids whose start says `ignore` while they are in here. */
  readonly ignoring: Set<string>;
  /** The specification of a recorded child. */
  child(id: string, options?: RecordedChildOptions): ChildSpec;
  /** What a recorded child's start gives back, for a template of one's own. */
  start(id: string, stop?: RecordedChildOptions["stop"]): ChildStart;
  /** The newest incarnation of the child of this id. */
  ref(id: string): AnyActorRef;
  /** Makes a child end by itself with this reason, or kills it. @default it crashes */
  end(id: string, reason?: ExitReason): void;
  /**
   * What happened since the last time, in order, separated by blanks: `+a` started, `!a` failed to start, `?a` ignored, `-a` ended
   * with `shutdown`, `-a reason` ended otherwise.
   */
  take(): string;
}

/**
 * A recorder for tests of supervision trees: assert the exact order of starts and ends, and then silence.
 *
 * @param clock gives children time that need some to stop; a manual one, usually the application's.
 */
export function createRecorder(clock: Clock): Recorder {
  const failing = new Set<string>();
  const ignoring = new Set<string>();
  const refs = new Map<string, AnyActorRef>();
  let events: string[] = [];

  const start: Recorder["start"] = (id, stop = "prompt") => {
    if (ignoring.has(id)) {
      events.push(`?${id}`);
      return "ignore";
    }
    if (failing.has(id)) {
      events.push(`!${id}`);
      throw new Error(`${id} cannot start`);
    }
    return server<{ left: boolean }, EndMessage>({
      init: ({ self }) => {
        refs.set(id, self);
        events.push(`+${id}`);
        const ended = (): void => {
          const reason = endOf(self);
          events.push(reason === "shutdown" ? `-${id}` : `-${id} ${reason}`);
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
          if (typeof stop === "number") clock.setTimeout(resolve, stop);
        });
      },
    });
  };

  const ref: Recorder["ref"] = (id) => {
    const found = refs.get(id);
    if (found === undefined) throw new Error(`No child "${id}" has started.`);
    return found;
  };

  return {
    failing,
    ignoring,
    start,
    ref,
    child: (id, { stop, ...place } = {}) => ({ id, ...place, start: () => start(id, stop) }),
    end(id, reason = { error: new Error("crash") }) {
      if (reason === "killed") kill(ref(id));
      else ref(id).send({ type: "end", reason } satisfies EndMessage);
    },
    take() {
      const taken = events.join(" ");
      events = [];
      return taken;
    },
  };
}

interface EndMessage {
  readonly type: "end";
  readonly reason: ExitReason;
}

function endOf(ref: AnyActorRef): string {
  const { status, output } = ref.getSnapshot() as { status: string; output?: { reason: ExitReason } };
  if (status === "error") return "error";
  return status === "done" ? wordOf(output!.reason) : "killed";
}

/** A reason as one word: `normal`, `shutdown`, `shutdown_term` (OTP's `{shutdown, Term}`), `killed` or `error`. */
export function wordOf(reason: ExitReason): string {
  if (typeof reason === "string") return reason;
  return isErrorExit(reason) ? "error" : "shutdown_term";
}
