import type { Dag, NodeKind } from "./dag.ts";
import type { Step, StepSettings } from "./step.ts";

/** What a stage calls: a program or Python function by its operation, a native function or a pipeline by its name. */
export type TargetJson =
  | { readonly operation: string }
  | { readonly function: string }
  | { readonly pipeline: string };

/** A pipeline as data. Conditions (`when-1`, …) and the output stand among the stages. */
export interface PipelineJson {
  readonly name: string;
  readonly stages: readonly StageJson[];
}

export interface StageJson extends StepSettings {
  readonly name: string;
  readonly kind: NodeKind;
  /** What its map gets, besides the input. */
  readonly reads: readonly string[];
  /** What it waits for, without what follows from that. */
  readonly after: readonly string[];
  /** The condition that it stands under. */
  readonly within?: string;
}

export function describeAsJson({ pipeline, nodes }: Dag, steps: ReadonlyMap<string, Step>): PipelineJson {
  return {
    name: pipeline,
    stages: nodes.map((node) => ({ ...node, ...steps.get(node.name)!.settings })),
  };
}

/** https://mermaid.js.org/syntax/flowchart.html. Conditions are diamonds, map stages stacked; ids are not names, some of which Mermaid reserves. */
export function describeAsMermaid({ nodes }: Dag, steps: ReadonlyMap<string, Step>): string {
  const ids = new Map(nodes.map(({ name }, index) => [name, `n${index}`]));
  const lines = [`input(["input"])`];
  for (const { name, kind, after, within } of nodes) {
    const id = ids.get(name)!;
    const label = [name, ...targetLabel(steps.get(name)!.settings.target)].join("<br/>");
    lines.push(`${id}${shapes[kind](`"${label.replaceAll('"', "#quot;")}"`)}`);
    if (after.length === 0) lines.push(`input --> ${id}`);
    for (const other of after) lines.push(`${ids.get(other)} -->${other === within ? "|holds|" : ""} ${id}`);
  }
  return ["flowchart TD", ...lines.map((line) => `  ${line}`), ""].join("\n");
}

const shapes: Record<NodeKind, (label: string) => string> = {
  stage: (label) => `[${label}]`,
  map: (label) => `[[${label}]]`,
  when: (label) => `{${label}}`,
  output: (label) => `([${label}])`,
};

function targetLabel(target: TargetJson | undefined): string[] {
  if (target === undefined) return [];
  return Object.values(target).filter((label: string) => label !== "");
}
