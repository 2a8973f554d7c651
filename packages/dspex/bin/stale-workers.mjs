import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * The processes of DSPex runs whose runtime is gone: they carry DSPEX_RUN_ID and have been handed to process 1, as all of the
 * run have that were started from outside of it. A worker in service may be handed on as well, when its zygote ends, but the runtime's
 * own children never are. Where the runtime itself may be process 1, as in a container, nothing tells them from workers in
 * service, and none is named; nor on systems without /proc, where another process's environment cannot be read.
 */
export function staleWorkers(proc = "/proc") {
  if (textOf(join(proc, "1/comm")).trim() === "node") return [];
  const members = processIds(proc).flatMap((pid) => {
    const run = /(?:^|\0)DSPEX_RUN_ID=([^\0]*)/.exec(textOf(join(proc, String(pid), "environ")))?.[1];
    return run === undefined ? [] : [{ pid, run, parent: parentIn(textOf(join(proc, String(pid), "stat"))) }];
  });
  const runOf = new Map(members.map(({ pid, run }) => [pid, run]));
  const inService = new Set(
    members.filter(({ run, parent }) => parent !== 1 && runOf.get(parent) !== run).map(({ run }) => run),
  );
  return members.filter(({ run, parent }) => parent === 1 && !inService.has(run)).map(({ pid }) => pid);
}

function processIds(proc) {
  try {
    return readdirSync(proc)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Empty for a process of another user, or one that has just ended. */
function textOf(file) {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

/** The fourth field; the second is the program's name in brackets, which may itself hold spaces and brackets. */
function parentIn(stat) {
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}
