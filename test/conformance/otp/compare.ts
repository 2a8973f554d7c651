import { isDeepStrictEqual } from "node:util";
import { messageOf } from "@dspex/core";
import type { Case, ChildEvent, Run, Step } from "./cases.ts";
import { play } from "./play.ts";

/** Plays a case. What went another way than was recorded, step by step up to there; `undefined` when nothing did. */
export async function differenceOf(recorded: Case): Promise<string | undefined> {
  try {
    return firstDifference(recorded, await play(recorded));
  } catch (error) {
    return `${recorded.id} could not be played: ${messageOf(error)}`;
  }
}

/** The steps of a run up to the first that differs from what was recorded; `undefined` when they are the same. */
export function firstDifference(recorded: Case, run: Run): string | undefined {
  const { id, sup, ops, expected } = recorded;
  const instances = instancesOf(recorded);
  const lines = [`${id}: ${JSON.stringify(sup)}`];
  for (let index = 0; index < Math.max(expected.steps.length, run.steps.length); index += 1) {
    const theirs = normal(expected.steps[index], instances);
    const ours = normal(run.steps[index], instances);
    lines.push(`step ${index} ${index === 0 ? "start" : JSON.stringify(ops[index - 1] ?? "stop_root")}`);
    if (isDeepStrictEqual(ours, theirs)) {
      lines.push(`  both     ${seen(ours)}`);
      continue;
    }
    return [...lines, `  recorded ${seen(theirs)}`, `  ours     ${seen(ours)}`].join("\n");
  }
  if (run.ended === expected.ended) return undefined;
  return [...lines, "end", `  recorded ${expected.ended}`, `  ours     ${run.ended}`].join("\n");
}

function seen(step: Step | undefined): string {
  if (step === undefined) return "no such step";
  const { op, result, events, alive } = step;
  return `${op}: ${JSON.stringify(result)} ${JSON.stringify(events)}${alive ? "" : ", root dead"}`;
}

/** Which dynamic supervisor a name belongs to. */
function instancesOf({ ops }: Case): ReadonlyMap<string, string> {
  return new Map(ops.flatMap((op) => (op.op === "start_dynamic" ? [[op.name, op.sup] as const] : [])));
}

/** Puts what README.md leaves free into one order. */
function normal(step: Step | undefined, instances: ReadonlyMap<string, string>): Step | undefined {
  if (step === undefined) return undefined;
  const result =
    step.op === "which_children" && Array.isArray(step.result) ? sorted(step.result) : step.result;
  return { ...step, result, events: sortedRuns(step.events, instances) };
}

/** Sorts each unbroken run of stops of instances of the same dynamic supervisor. */
function sortedRuns(events: readonly ChildEvent[], instances: ReadonlyMap<string, string>): ChildEvent[] {
  const runs: { readonly sup: string | undefined; readonly events: ChildEvent[] }[] = [];
  for (const event of events) {
    const sup = event[0] === "stop" ? instances.get(event[1]) : undefined;
    const last = runs.at(-1);
    if (last !== undefined && sup !== undefined && last.sup === sup) last.events.push(event);
    else runs.push({ sup, events: [event] });
  }
  return runs.flatMap((run) => sorted(run.events));
}

function sorted<T>(list: readonly T[]): T[] {
  return list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
