import type { Clock } from "@dspex/core";
import { exit, server, type ExitReason, type StartScope } from "@dspex/supervisors";
import { wordOf } from "@dspex/supervisors/testing";
import { assign, createMachine, type AnyActorLogic, type AnyActorRef } from "xstate";
import type { Reason, WorkerScript } from "./scenario.ts";

/** Makes a worker end of itself. */
interface End {
  readonly type: "end";
  readonly reason: Exclude<Reason, "killed">;
  readonly slowMs: number;
}

/** Whom a worker tells what happens to it. */
export interface Witness {
  started(self: AnyActorRef): void;
  ended(reason: string): void;
}

/** A worker that behaves as it is written: a server, or a state machine where that is what it takes. */
export function workerLogic(
  script: WorkerScript,
  scope: StartScope,
  witness: Witness,
  clock: Clock,
): AnyActorLogic {
  const { stop, brief, readyMs } = script;
  const started = (self: AnyActorRef): void => {
    witness.started(self);
    const ended = (): void => witness.ended(endOf(self));
    self.subscribe({ complete: ended, error: ended });
    if (readyMs === 0) scope.ready();
    else if (typeof readyMs === "number") clock.setTimeout(scope.ready, readyMs);
  };
  if (brief !== undefined) return briefMachine(started, exitReason(brief));
  if (stop === "deaf") return deafMachine(started);

  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => void scope.clock.setTimeout(resolve, ms));
  return server<{ slowMs: number | undefined }, End>({
    init({ self }) {
      started(self);
      return { slowMs: undefined };
    },
    receive(state, { reason, slowMs }) {
      state.slowMs = slowMs;
      if (reason === "error") throw new Error("It crashed.");
      return exit(exitReason(reason));
    },
    terminate({ slowMs }) {
      if (slowMs !== undefined) return slowMs === 0 ? undefined : wait(slowMs);
      if (stop === "prompt") return;
      if (stop === "throws") throw new Error("It cannot stop.");
      return stop === "never" ? new Promise(() => {}) : wait(stop);
    },
  });
}

/** It has no transition for `otp.shutdown`. */
function deafMachine(started: (self: AnyActorRef) => void): AnyActorLogic {
  return createMachine({
    types: {} as { events: End; context: { reason: ExitReason }; output: { reason: ExitReason } },
    context: { reason: "normal" },
    initial: "working",
    entry: ({ self }) => started(self),
    states: {
      working: {
        on: {
          end: [
            { guard: ({ event }) => event.reason === "error", target: "failing" },
            { target: "ended", actions: assign({ reason: ({ event }) => exitReason(event.reason) }) },
          ],
        },
      },
      failing: {
        entry: () => {
          throw new Error("It crashed.");
        },
      },
      ended: { type: "final" },
    },
    output: ({ context }) => context,
  });
}

/** It is done when it starts. */
function briefMachine(started: (self: AnyActorRef) => void, reason: ExitReason): AnyActorLogic {
  return createMachine({
    entry: ({ self }) => started(self),
    initial: "ended",
    states: { ended: { type: "final" } },
    output: { reason },
  });
}

function exitReason(reason: End["reason"]): ExitReason {
  if (reason === "error") return { error: new Error("It crashed.") };
  return reason === "shutdown_term" ? { shutdown: "x" } : reason;
}

function endOf(ref: AnyActorRef): string {
  const { status, output } = ref.getSnapshot() as { status: string; output?: { reason: ExitReason } };
  if (status === "error") return "error";
  return status === "done" ? wordOf(output!.reason) : "killed";
}
