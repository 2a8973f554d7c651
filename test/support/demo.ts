import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import path from "node:path";
import type { DemoReport } from "../../packages/dspex/src/demo/report.ts";
import { freshPath } from "./runtime.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** The bundled tickets, parsed. */
export const bundledTickets = readFileSync(path.join(root, "packages/dspex/src/demo/tickets.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { id: string; text: string; language: string; customer: string });

export interface DemoRun {
  /** As a shell tells it: 128 and the signal's number, when a signal ended it. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of standard output, parsed; `undefined` when it is not JSON. */
  readonly report: DemoReport;
}

export interface RunningDemo {
  /** Of npm, the leader of a process group of its own. */
  readonly pid: number;
  /** What it has written to standard error so far. */
  stderr(): string;
  readonly finished: Promise<DemoRun>;
}

/** Starts the demo as a person does, through npm. */
export function startDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningDemo {
  const child = spawn("npm", ["run", "--silent", "demo", "--", ...args], {
    cwd: root,
    env: { ...process.env, DSPEX_LM: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => (written[name] += text));
  const finished = new Promise<DemoRun>((resolve) => {
    child.once("close", (exitCode, signal) => {
      const status = exitCode ?? 128 + constants.signals[signal!];
      const last = written.stdout.trimEnd().split("\n").at(-1)!;
      resolve({
        status,
        ...written,
        report: (last.startsWith("{") ? JSON.parse(last) : undefined) as DemoReport,
      });
    });
  });
  return { pid: child.pid!, stderr: () => written.stderr, finished };
}

export const runDemo = (args: readonly string[], env?: NodeJS.ProcessEnv): Promise<DemoRun> =>
  startDemo(args, env).finished;

/** A file with these lines. */
export function inputFile(lines: readonly string[]): string {
  const file = freshPath("input.jsonl");
  writeFileSync(file, lines.join("\n"));
  return file;
}

/** The bundled tickets again and again, with ids of their own: enough to be interrupted. */
export function manyTickets(count: number): string {
  const lines = Array.from({ length: count }, (_, n) => ({
    ...bundledTickets[n % bundledTickets.length]!,
    id: `T-${n}`,
  }));
  return inputFile(lines.map((ticket) => JSON.stringify(ticket)));
}
