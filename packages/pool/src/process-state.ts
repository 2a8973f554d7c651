import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A process as the system sees it at one moment. */
export interface ProcessState {
  /** What its main thread does, as the system's letter: R runs, S and D sleep, T and t are stopped. */
  readonly letter: string;
  /** Processor time of all of its threads so far, in milliseconds. */
  readonly cpuMs: number;
  /** When it started, in the system's own words. Two processes never share both this and their pid, until the system starts anew. */
  readonly started: string;
}

/** Asks the system for a process; `undefined` when it is gone (a zombie is), or when the system does not say. Never rejects. */
export type ReadProcess = (pid: number) => Promise<ProcessState | undefined>;

/**
 * To so many milliseconds the system tells processor time: a tick of the times in /proc, of which there are 100 in a second on every
 * architecture that Node runs on (`USER_HZ`), and the hundredth of a second of `ps`.
 */
export const cpuResolutionMs = 10;

const run = promisify(execFile);

/** From /proc, in some 0.1 ms. */
const readProc: ReadProcess = async (pid) => {
  try {
    return parseProcStat(await readFile(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return undefined;
  }
};

/** By `ps`, where there is no /proc. The time of a start is told in the reader's language and time zone, unless these are fixed. */
export const readByPs: ReadProcess = async (pid) => {
  try {
    const env = { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC0" };
    const { stdout } = await run("ps", ["-o", "state=,time=,lstart=", "-p", String(pid)], { env });
    return parsePs(stdout);
  } catch {
    return undefined;
  }
};

export const readProcess: ReadProcess = process.platform === "linux" ? readProc : readByPs;

/** @param stat the line of `/proc/<pid>/stat`. Its second field, the process's name, is in parentheses and may hold anything. */
export function parseProcStat(stat: string): ProcessState | undefined {
  const [letter = "", ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // Fields 14, 15 and 22 as proc(5) counts them; the letter is the third.
  const [utime, stime, started] = [fields[10], fields[11], fields[18]];
  if (started === undefined) return undefined;
  return unlessGone({ letter, cpuMs: (Number(utime) + Number(stime)) * cpuResolutionMs, started });
}

/** @param line state, time and lstart: `Ss 1:02.50 Tue Nov 24 13:15:39 2026`. */
export function parsePs(line: string): ProcessState | undefined {
  const [, letter, days = "0", time, started] =
    /^\s*(\S)\S*\s+(?:(\d+)-)?([\d:.]+)\s+(\S.*\S)\s*$/.exec(line) ?? [];
  if (letter === undefined || time === undefined || started === undefined) return undefined;
  const seconds = time.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  return unlessGone({ letter, cpuMs: Math.round((Number(days) * 86_400 + seconds) * 1_000), started });
}

function unlessGone(state: ProcessState): ProcessState | undefined {
  return state.letter === "Z" || state.letter === "X" ? undefined : state;
}
