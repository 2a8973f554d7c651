import { readdirSync, readFileSync } from "node:fs";

/** Linux: whether a process of this number lives whose environment says that it belongs to the run. */
export function isOfRun(pid: number, runId: string): boolean {
  return textOf(pid, "environ").split("\0").includes(`DSPEX_RUN_ID=${runId}`);
}

/** Linux: whether a process group has a member that belongs to the run. While it has, its number means no other group. */
export function groupIsOfRun(group: number, runId: string): boolean {
  return readdirSync("/proc").some((name) => {
    const pid = Number(name);
    return Number.isInteger(pid) && groupOf(pid) === group && isOfRun(pid, runId);
  });
}

/** The fifth field; the second is the program's name in brackets, which may itself hold spaces and brackets. */
function groupOf(pid: number): number {
  const stat = textOf(pid, "stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
}

/** Empty for a process that is gone, a zombie's environment, or one that is not ours to read. */
function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
