import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { PassThrough, type Readable, type Writable } from "node:stream";
import type { Command } from "@dspex/python-bridge";

export interface OsProcessExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why there was no process at all. */
  readonly spawnError?: Error;
}

/** A process of ours, the leader of a process group of its own. */
export interface OsProcess {
  /** `undefined` when the system did not start it; `exited` says why. */
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles once the process is gone and its output has been read; never rejects. */
  readonly exited: Promise<OsProcessExit>;
  /** Sends a signal to the process alone; nothing happens after its end. */
  signal(name: NodeJS.Signals): void;
  /** Ends the process and every process of its group, at once. */
  kill(): void;
}

/** Starts a process; injected, so that tests can hand out processes that fail in ways real ones rarely do. */
export type SpawnProcess = (command: Command, env: Readonly<Record<string, string>>) => OsProcess;

/** Variables of ours that a child may see (G11): enough to find programs, a home and a language, and no secret. */
const inherited = [
  "PATH",
  "HOME",
  "USER",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "TMPDIR",
  "LD_LIBRARY_PATH",
  "SSL_CERT_FILE",
];

/** One worker is one lane of work: numeric libraries must not start a thread per core in each. */
const singleThreaded = {
  OMP_NUM_THREADS: "1",
  OPENBLAS_NUM_THREADS: "1",
  MKL_NUM_THREADS: "1",
  NUMEXPR_NUM_THREADS: "1",
};

/**
 * The environment of a child process.
 *
 * @param own added last, so it may override what is inherited.
 * @param further names that it inherits beside the usual few.
 */
export function childEnvironment(
  parent: NodeJS.ProcessEnv,
  own: Readonly<Record<string, string>>,
  further: readonly string[] = [],
): Readonly<Record<string, string>> {
  const environment: Record<string, string> = { ...singleThreaded };
  for (const name of [...inherited, ...further]) {
    const value = parent[name];
    if (value !== undefined) environment[name] = value;
  }
  return { ...environment, ...own };
}

export const spawnProcess: SpawnProcess = (command, env) => {
  let child: ChildProcessWithoutNullStreams;
  try {
    // `detached` makes the child the leader of a new session and group, so that what it starts can be ended with it.
    child = spawn(command.file, command.args, { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    return notStarted(error as Error);
  }
  const { pid } = child;
  if (pid === undefined) return notStarted(once(child, "error").then(([error]) => error as Error));

  let gone = false;
  const killGroup = (): void => {
    // Once its leader has been reaped and its members are ended, the group's number may come to mean another one.
    if (gone) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // ESRCH: nobody is left in the group.
    }
  };
  const exited = new Promise<OsProcessExit>((resolve) => {
    // The leader is gone: what it started must not outlive it, nor hold its pipes open.
    child.once("exit", () => {
      killGroup();
      gone = true;
    });
    child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  return {
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    signal: (name) => void child.kill(name),
    kill: killGroup,
  };
};

/** What stands for a process that the system did not start: without descriptors Node leaves its streams out, too. */
function notStarted(error: Error | Promise<Error>): OsProcess {
  const exited = Promise.resolve(error).then((spawnError) => ({ exitCode: null, signal: null, spawnError }));
  return {
    pid: undefined,
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    exited,
    signal() {},
    kill() {},
  };
}
