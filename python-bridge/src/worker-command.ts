import { fileURLToPath } from "node:url";

const python = (file: string): string => fileURLToPath(new URL(`../python/${file}`, import.meta.url));

/** A command line: the program and its arguments. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * Starts a worker. `-I`: neither the user's environment nor the working directory reaches Python's module path; what a
 * worker may import beside its environment is told in HELLO.
 *
 * @param interpreter the environment's Python.
 */
export const workerCommand = (interpreter: string): Command => ({
  file: interpreter,
  args: ["-I", python("worker.py")],
});

/** Makes a worker write the Python stacks of its threads to its standard error, whatever it is doing (`docs/protocol.md` §4). */
export const stacksSignal = "SIGUSR2";

/**
 * Starts the guardian, which needs the standard library alone (`-S`: no site-packages) and starts in some 20 ms.
 *
 * @param runFile the file of its run in the registry of runs; it does without when there is none.
 */
export const guardianCommand = (interpreter: string, runFile: string): Command => ({
  file: interpreter,
  args: ["-I", "-S", python("guardian.py"), runFile],
});

/**
 * Starts a zygote, which imports what workers need and forks them (`dspex_bridge/zygote.py`). Linux only.
 *
 * @param interpreter the environment's Python.
 */
export const zygoteCommand = (interpreter: string): Command => ({
  file: interpreter,
  args: ["-I", python("zygote.py")],
});
