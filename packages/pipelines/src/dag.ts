import { malformed } from "./errors.ts";

/**
 * What a node of the graph does: calls its target once, calls it per item, decides whether what is within it happens, or
 * makes the result of the run.
 */
export type NodeKind = "stage" | "map" | "when" | "output";

/** A node as it is written. */
export interface DagNode {
  readonly name: string;
  readonly kind: NodeKind;
  /** The nodes whose results it is given. */
  readonly reads: readonly string[];
  /** The condition that it stands under: the node is skipped where that does not hold. */
  readonly within?: string;
  /** The nodes that it waits for besides those that it reads. */
  readonly waitsFor?: readonly string[];
}

/** A node in its graph. */
interface PlacedNode extends Omit<DagNode, "waitsFor"> {
  /** The nodes that it waits for, without those that one of them waits for already. */
  readonly after: readonly string[];
}

/** The stages of a pipeline and what waits for what. It has no cycle, and every node stands behind those that it waits for. */
export interface Dag {
  readonly pipeline: string;
  readonly nodes: readonly PlacedNode[];
}

/**
 * Checks the nodes and puts them in order: as written, as far as that goes.
 *
 * @throws DspexError `ERR_PIPELINE` for a name that is used twice, one that nobody has, or a cycle.
 */
export function createDag(pipeline: string, written: readonly DagNode[]): Dag {
  const byName = new Map<string, DagNode>();
  for (const node of written) {
    if (byName.has(node.name))
      throw malformed(pipeline, `two stages have the name "${node.name}"`, [node.name]);
    byName.set(node.name, node);
  }
  const waits = new Map(written.map((node) => [node.name, allWaits(node)]));
  for (const [name, names] of waits)
    for (const other of names) {
      if (other === name) throw malformed(pipeline, `stage "${name}" reads itself`, [name]);
      if (!byName.has(other))
        throw malformed(pipeline, `stage "${name}" reads "${other}", which is no stage`, [name, other]);
    }
  for (const { name, within } of written)
    if (within !== undefined && byName.get(within)!.kind !== "when")
      throw malformed(pipeline, `"${name}" stands within "${within}", which is no condition`, [name, within]);

  // Everything that a node waits for, near and far; a node enters when all of that has entered.
  const ancestors = new Map<string, ReadonlySet<string>>();
  const nodes: PlacedNode[] = [];
  for (let left = written; left.length > 0;) {
    const blocked: DagNode[] = [];
    for (const node of left) {
      const direct = waits.get(node.name)!;
      if (![...direct].every((name) => ancestors.has(name))) {
        blocked.push(node);
        continue;
      }
      const far = new Set([...direct].flatMap((name) => [...ancestors.get(name)!]));
      ancestors.set(node.name, new Set([...direct, ...far]));
      const { name, kind, reads, within } = node;
      const after = [...direct].filter((other) => !far.has(other));
      nodes.push({ name, kind, reads, ...(within === undefined ? {} : { within }), after });
    }
    if (blocked.length === left.length) {
      const names = cycleAmong(blocked, waits);
      throw malformed(pipeline, `stages wait for each other: ${[...names, names[0]].join(" → ")}`, names);
    }
    left = blocked;
  }
  return { pipeline, nodes };
}

function allWaits({ reads, waitsFor = [], within }: DagNode): Set<string> {
  return new Set([...(within === undefined ? [] : [within]), ...waitsFor, ...reads]);
}

/** Each of these nodes waits for another of them, so following that leads round sooner or later. */
function cycleAmong(blocked: readonly DagNode[], waits: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const names = new Set(blocked.map(({ name }) => name));
  const path: string[] = [];
  let name = blocked[0]!.name;
  while (!path.includes(name)) {
    path.push(name);
    name = [...waits.get(name)!].find((other) => names.has(other))!;
  }
  return path.slice(path.indexOf(name));
}
