import { readdirSync, readFileSync } from "node:fs";

/**
 * Processes of a run that are alive: those whose environment carries its id. Where the system does not show environments
 * (macOS), none can be found this way and `null` says so.
 */
export function processesOfRun(runId: string): readonly number[] | null {
  let entries: string[];
  try {
    entries = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return null;
  }
  const mark = `DSPEX_RUN_ID=${runId}`;
  return entries.filter((pid) => environmentOf(pid).includes(mark)).map(Number);
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
  } catch {
    // Gone in between, a zombie, or not ours to read.
    return [];
  }
}
