import type { Socket } from "node:net";
import type { OsProcess, OsProcessExit } from "./os-process.ts";
import { groupIsOfRun, isOfRun } from "./run-mark.ts";

export interface ForkedChild {
  readonly pid: number;
  /** Its standard input and output. */
  readonly wire: Socket;
  readonly stderr: Socket;
  readonly runId: string;
}

/** A worker that a zygote forked, and what only its zygote can tell of it. */
export interface ForkedProcess {
  readonly process: OsProcess;
  /** It has ended, and its number will be given back to the system. */
  ended(exit: OsProcessExit): void;
  /** The zygote is gone: nobody will tell how the process ends, only that its streams have. */
  orphaned(): void;
}

/**
 * A forked worker as an {@link OsProcess}.
 *
 * While its zygote lives, the process stays a zombie after its end until the zygote is told to reap it, so no signal can meet a
 * stranger. Afterwards it belongs to process 1, which reaps it at once where it is an init (`docker run --init`); then only what carries the mark of the run is signalled. Its exit
 * status and signal are unknown in this case, and both `null`.
 */
export function forkedProcess({ pid, wire, stderr, runId }: ForkedChild): ForkedProcess {
  let state: "child" | "orphan" | "gone" = "child";
  const send = (target: number, name: NodeJS.Signals): boolean => {
    try {
      return process.kill(target, name);
    } catch {
      return false; // ESRCH: nobody is left.
    }
  };
  const kill = (): void => {
    if (state === "gone") return;
    if (state === "orphan" && !groupIsOfRun(pid, runId)) {
      // It has overwritten its mark, or is another one: the end of its input ends whoever is ours.
      wire.destroy();
      return;
    }
    // A fork that has not made its group yet is alone.
    if (!send(-pid, "SIGKILL") && state === "child") send(pid, "SIGKILL");
  };
  const [wireClosed, stderrClosed] = [wire, stderr].map(
    (stream) => new Promise<void>((resolve) => stream.once("close", resolve)),
  );

  let resolve: (exit: OsProcessExit) => void;
  const exited = new Promise<OsProcessExit>((settle) => (resolve = settle));
  const end = (exit: OsProcessExit): void => {
    // What it started must not outlive it, nor hold its streams open.
    kill();
    state = "gone";
    // What nobody reads would stay open.
    for (const stream of [wire, stderr]) stream.resume();
    void Promise.all([wireClosed, stderrClosed]).then(() => resolve(exit));
  };
  return {
    process: {
      pid,
      stdin: wire,
      stdout: wire,
      stderr,
      exited,
      signal(name) {
        if (state === "child" || (state === "orphan" && isOfRun(pid, runId))) send(pid, name);
      },
      kill,
    },
    ended: end,
    orphaned() {
      if (state === "gone") return;
      state = "orphan";
      void wireClosed!.then(() => end({ exitCode: null, signal: null }));
    },
  };
}
