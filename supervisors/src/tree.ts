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
  /** A supervisor's restarts that count against its `intensity` now; 0 for a worker. */
  readonly restartsInWindow: number;
  /** Messages that wait for it; a supervisor's calls and exits that it has not turned to are among them. */
  readonly mailboxDepth: number;
  /** How long its present incarnation has lived, in milliseconds; 0 without one. */
  readonly uptimeMs: number;
  /** In start order; empty for a worker. */
  readonly children: readonly TreeNode[];
}

/** The life that a node shows. */
export interface Life {
  readonly startedAtMs: number;
  /** Messages that wait for the actor. */
  readonly depth: number;
}

/** The tree under the root, whose only life is `root`. */
export function treeOf(core: SupervisorCore, root: Life): TreeNode {
  const { path } = core.around;
  return supervisorNode(core, { id: path.at(-1)!, path: path.join("/"), generation: 1, life: root });
}

/** The actors that a supervisor has running, and those under them; parents first. */
export function* actorsUnder(core: SupervisorCore): Generator<AnyActorRef> {
  for (const { incarnation } of core.table) {
    if (incarnation === undefined) continue;
    yield incarnation.actor;
    if (incarnation.inner !== undefined) yield* actorsUnder(incarnation.inner);
  }
}

interface Position {
  readonly id: string;
  readonly path: string;
  readonly generation: number;
  readonly life: Life | undefined;
}

function supervisorNode(core: SupervisorCore, position: Position): TreeNode {
  const fields = common(position, core.around.clock.now());
  return {
    ...fields,
    type: "supervisor",
    state: core.phase,
    restartsInWindow: core.restartsInWindow,
    mailboxDepth: fields.mailboxDepth + core.waiting,
    children: [...core.table].map(childNode),
  };
}

function childNode(child: Child): TreeNode {
  const { id, incarnation, generation, supervisor, spec, status } = child;
  const position = { id, path: child.path.join("/"), generation, life: incarnation };
  if (incarnation?.inner !== undefined) return supervisorNode(incarnation.inner, position);
  return {
    ...common(position, supervisor.around.clock.now()),
    type: spec.type,
    state: status,
    restartsInWindow: 0,
    children: [],
  };
}

function common({ id, path, generation, life }: Position, nowMs: number) {
  return {
    id,
    path,
    incarnation: generation,
    restarts: Math.max(0, generation - 1),
    mailboxDepth: life?.depth ?? 0,
    uptimeMs: life === undefined ? 0 : nowMs - life.startedAtMs,
  };
}
