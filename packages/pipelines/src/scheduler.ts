import type { Dag } from "./dag.ts";

/** Where a node stands in a run. A condition that does not hold is skipped, like what is within it. */
export type Standing = "waiting" | "running" | "completed" | "skipped" | "failed";

/** Where all nodes stand, by name. */
export type Standings = Readonly<Record<string, Standing>>;

/** What follows from where all nodes stand. */
export interface NextSteps {
  /** Nodes to start. */
  readonly ready: readonly string[];
  /** Nodes that will not run. */
  readonly skipped: readonly string[];
  /** All nodes have ended. */
  readonly done: boolean;
}

/** How every run begins. */
export function allWaiting({ nodes }: Dag): Standings {
  return Object.fromEntries(nodes.map(({ name }) => [name, "waiting" as const]));
}

/**
 * Decides what a run does next. A node is decided when everything that it waits for has ended, however that went: whether a
 * failure ends the run is the failed stage's policy, not a matter of those that read it.
 */
export function nextSteps({ nodes }: Dag, standings: Standings): NextSteps {
  const ready: string[] = [];
  const skipped = new Set<string>();
  let busy = false;
  const standingOf = (name: string): Standing => (skipped.has(name) ? "skipped" : standings[name]!);
  // Nodes stand behind those that they wait for, so one pass sees what follows from what it skips itself.
  for (const { name, after, within } of nodes) {
    const standing = standings[name]!;
    if (standing === "running") busy = true;
    if (standing !== "waiting") continue;
    if (after.some((other) => !hasEnded(standingOf(other)))) busy = true;
    else if (within !== undefined && standingOf(within) !== "completed") skipped.add(name);
    else ready.push(name);
  }
  return { ready, skipped: [...skipped], done: !busy && ready.length === 0 };
}

function hasEnded(standing: Standing): boolean {
  return standing !== "waiting" && standing !== "running";
}
