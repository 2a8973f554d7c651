import { readdirSync, readFileSync } from "node:fs";

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** `dspex-worker` of a worker, `dspex-zygote` of a zygote: a fork keeps the command line of its parent. */
  readonly name: string;
  /** Its command line, blanks between the arguments. */
  readonly command: string;
  /** `DSPEX_RUN_ID` of its environment. */
  readonly runId: string | undefined;
}

/** Every process that is not a zombie, from /proc. */
export function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
        const name = /\((.*)\)/s.exec(stat)![1]!;
        const [state, parent] = stat.replace(/^.*\) /s, "").split(" ");
        if (state === "Z") return [];
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        const runId = /(?:^|\0)DSPEX_RUN_ID=([^\0]*)/.exec(
          readFileSync(`/proc/${pid}/environ`, "latin1"),
        )?.[1];
        return [{ pid: Number(pid), parent: Number(parent), name, command, runId }];
      } catch {
        return [];
      }
    });
}

/** A process and all that it started, directly or not. */
export function family(pid: number): Process[] {
  const all = processes();
  const members = all.filter((process) => process.pid === pid);
  for (const member of members) members.push(...all.filter(({ parent }) => parent === member.pid));
  return members;
}
