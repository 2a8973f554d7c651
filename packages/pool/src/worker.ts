import type { Ready } from "@dspex/python-bridge";
import { setup, type AnyStateMachine } from "xstate";
import type { OsProcessExit } from "./os-process.ts";
import { WorkerLife, type BootRecord, type WorkerEvent, type WorkerSurroundings } from "./worker-life.ts";

/**
 * A worker: one Python process, from its spawning to its end. The supervisor restarts it whenever it ends in error; a
 * new incarnation whose predecessors never became ready waits before it spawns, so a broken environment cannot make a storm.
 */
export function workerMachine(id: string, boots: BootRecord, around: WorkerSurroundings): AnyStateMachine {
  const life = new WorkerLife(id, boots, around);
  return setup({
    types: {} as { events: WorkerEvent },
    actions: {
      own: ({ self }) => life.own((event) => self.send(event), self),
      spawn: () => void life.spawn(),
      announce: ({ event }) => life.announce((event as { ready: Ready }).ready),
      failBoot: ({ event }) => life.failBoot((event as { exit: OsProcessExit }).exit),
      crash: ({ event }) => life.crash((event as { exit: OsProcessExit }).exit),
      retire: () => life.retire(),
      drain: () => life.drain(),
      end: () => life.end(),
      kill: ({ event }) => life.kill(event),
      endSilent: () => void life.endHung("late", `it was silent for ${around.options.bootTimeoutMs} ms`),
      endHung({ event }) {
        const { reason, why } = event as Extract<WorkerEvent, { readonly type: "process.hung" }>;
        void life.endHung(reason, why);
      },
    },
  }).createMachine({
    id: "worker",
    initial: "waiting",
    entry: "own",
    states: {
      waiting: { on: { boot: "booting", retire: "stopped", "otp.shutdown": "stopped" } },
      booting: {
        entry: "spawn",
        on: {
          "process.ready": "ready",
          "process.exited": { actions: "failBoot" },
          "process.broken": { actions: "kill" },
          "boot.timeout": { actions: "endSilent" },
          retire: "ending",
          "otp.shutdown": "ending",
        },
      },
      ready: {
        entry: "announce",
        on: {
          "process.exited": { actions: "crash" },
          "process.broken": { actions: "kill" },
          "process.hung": { actions: "endHung" },
          retire: "retiring",
          "otp.shutdown": "draining",
        },
      },
      // Its calls take the time that they take: each has its own deadline, and nobody waits for this process.
      retiring: {
        entry: "retire",
        on: {
          "calls.done": "draining",
          "process.exited": "stopped",
          "process.broken": { actions: "kill" },
          "process.hung": { actions: "endHung" },
          "otp.shutdown": "draining",
        },
      },
      draining: {
        entry: "drain",
        on: {
          "process.exited": "stopped",
          "process.broken": { actions: "kill" },
          "process.hung": { actions: "endHung" },
          "drain.timeout": { actions: "kill" },
        },
      },
      // It had no calls yet: there is nothing to wait for.
      ending: { entry: "end", on: { "process.exited": "stopped" } },
      stopped: { type: "final" },
    },
    output: { reason: "shutdown" },
  });
}
