import { setup, type AnyStateMachine } from "xstate";
import type { SessionEvent, SessionLife } from "./session-life.ts";

/** The life of a session, as an inspector draws it. Its calls run one after the other; once it is closing, those that it has. */
export function sessionMachine(life: SessionLife): AnyStateMachine {
  return setup({
    types: {} as { events: SessionEvent },
    actions: {
      own: ({ self }) => life.own((event) => self.send(event), self),
      arm: () => life.arm(),
      disarm: () => life.disarm(),
      startNext: () => life.startNext(),
      expired: () => life.ends("expired"),
      stopped: () => life.ends("stopped"),
    },
    guards: { waiting: () => life.waiting },
  }).createMachine({
    id: "session",
    initial: "idle",
    entry: "own",
    states: {
      idle: {
        entry: "arm",
        exit: "disarm",
        on: {
          call: { guard: "waiting", target: "busy" },
          expire: { target: "ended", actions: "expired" },
          end: "ended",
          "otp.shutdown": { target: "ended", actions: "stopped" },
        },
      },
      busy: {
        entry: "startNext",
        on: {
          settled: [{ guard: "waiting", target: "busy", reenter: true }, { target: "idle" }],
          end: "closing",
          "otp.shutdown": { target: "closing", actions: "stopped" },
        },
      },
      closing: {
        on: {
          settled: [{ guard: "waiting", actions: "startNext" }, { target: "ended" }],
        },
      },
      ended: { type: "final" },
    },
    output: { reason: "shutdown" },
  });
}
