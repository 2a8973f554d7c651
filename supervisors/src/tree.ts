import type { AnyActorRef } from "xstate";
import type { Child } from "./child.ts";
import type { Phase, SupervisorCore } from "./supervisor-core.ts";

/** An actor of the supervision tree, as plain JSON. */
export interface TreeNode {
  readonly id: string;
  /** From the root down, ids joined by `/`. */
  readonly path: string;
  readonly type: "supervisor" | "worker";
  /** A supervisor's own state, or where a worker stands. */
  readonly state: Phase | "exited";
  /** How often it was started, the first time included; 0 before that. */
  readonly incarnation: number;
  /** How often it was started again. */
  readonly restarts: number;
  /** In start order; empty for a worker. */
  readonly children: readonly TreeNode[];
}

export function treeOf(core: SupervisorCore): TreeNode {
  return supervisorNode(core, core.around.path.at(-1)!, 1);
}

/** The actors that a supervisor has running, and those under them; parents first. */
export function* actorsUnder(core: SupervisorCore): Generator<AnyActorRef> {
  for (const { actor, inner } of core.table) {
    if (actor !== undefined) yield actor;
    if (inner !== undefined) yield* actorsUnder(inner);
  }
}

function supervisorNode(core: SupervisorCore, id: string, generation: number): TreeNode {
  return {
    ...position(core.around.path, id, generation),
    type: "supervisor",
    state: core.phase,
    children: [...core.table].map(childNode),
  };
}

function childNode(child: Child): TreeNode {
  const { id, inner, generation, supervisor, spec, status } = child;
  if (inner !== undefined && status !== "restarting") return supervisorNode(inner, id, generation);
  return {
    ...position([...supervisor.around.path, id], id, generation),
    type: spec.type,
    state: status,
    children: [],
  };
}

function position(
  path: readonly string[],
  id: string,
  generation: number,
): Pick<TreeNode, "id" | "path" | "incarnation" | "restarts"> {
  return { id, path: path.join("/"), incarnation: generation, restarts: Math.max(0, generation - 1) };
}
