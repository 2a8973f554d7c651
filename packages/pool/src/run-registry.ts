import { mkdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import type { ReadProcess } from "./process-state.ts";

/**
 * Enters this run in the registry of runs: a directory of one small file each, by which the guardian of a later run finds what is left where
 * runtime and guardian were killed at once (`python-bridge/python/guardian.py` has the format, keeps the file, and removes it).
 *
 * To be done before the first process of the run is spawned: what a run is named by is in the environment of all of its processes, so
 * nothing can be left that the registry does not know of.
 *
 * @param file its place in the registry; the directory is made if need be.
 * @throws Error of the file system, or one that says what the system does not tell.
 */
export async function registerRun(file: string, runId: string, readProcess: ReadProcess): Promise<void> {
  const owner = await readProcess(process.pid);
  if (owner === undefined) throw new Error("The system does not say when this process started.");
  const lines = [`run ${runId}`, `place ${place()}`, `owner ${process.pid} ${owner.started}`];
  // At once: each way to a thread of Node's and back would take longer than all of this.
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  // Readers see a whole file or none.
  writeFileSync(`${file}.new`, `${lines.join("\n")}\n`);
  renameSync(`${file}.new`, file);
}

/**
 * Within what pids and the times of starts mean the same processes. The directory may be shared: by containers, by machines, and by a machine before
 * and after it was started anew.
 */
function place(): string {
  if (process.platform !== "linux") return hostname();
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
  return `${boot.trim()} ${readlinkSync("/proc/self/ns/pid")}`;
}
