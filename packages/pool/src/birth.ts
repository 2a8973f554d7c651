import type { Command } from "@dspex/python-bridge";
import type { ResolvedPoolOptions } from "./options.ts";
import type { OsProcess, SpawnProcess } from "./os-process.ts";

/** How a worker's process came to be: forked by its pool's zygote, or from its program file. */
export type Birth = "fork" | "spawn";

interface Born {
  readonly process: OsProcess;
  readonly birth: Birth;
}

/**
 * Brings a worker's process into being. Never rejects, and resolves whatever the zygote does; without a process where that took so long
 * that it is not `wanted` any more.
 */
export type BearProcess = (
  command: Command,
  env: Readonly<Record<string, string>>,
  wanted: () => boolean,
) => Promise<Born | undefined>;

/** Who forks workers. */
export interface Forks {
  /** Forks a worker with this environment; `undefined` when there is no zygote, or it cannot. */
  fork(env: Readonly<Record<string, string>>): Promise<OsProcess | undefined>;
}

/** What a pool's processes share of how they are born. */
export interface BearsReleases {
  /** For processes that run on these options: what a zygote has imported is of one release of the user's code. */
  readonly bearOf: (release: ResolvedPoolOptions) => BearProcess;
}

/** Workers are forked where that is possible at this moment, and spawned else: no boot depends on a zygote. */
export function bearBy(spawn: SpawnProcess, zygote: Forks | undefined): BearProcess {
  return async (command, env, wanted) => {
    const forked = await zygote?.fork(env);
    if (forked !== undefined) return { process: forked, birth: "fork" };
    return wanted() ? { process: spawn(command, env), birth: "spawn" } : undefined;
  };
}
