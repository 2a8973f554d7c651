import { isDeepStrictEqual } from "node:util";
import type { Case, ChildEvent, Run, Step } from "./cases.ts";

/** The first step in which a run differs from what was recorded; `undefined` when they are the same. */
export function firstDifference(recorded: Case, run: Run): string | undefined {
  const instances = instancesOf(recorded);
  const { expected } = recorded;
  for (let index = 0; index < Math.max(expected.steps.length, run.steps.length); index += 1) {
    const theirs = normal(expected.steps[index], instances);
    const ours = normal(run.steps[index], instances);
    if (!isDeepStrictEqual(ours, theirs))
      return [
        `${recorded.id}, step ${index} ${JSON.stringify(index === 0 ? recorded.sup : (recorded.ops[index - 1] ?? "stop_root"))}`,
        `  recorded ${JSON.stringify(theirs)}`,
        `  ours     ${JSON.stringify(ours)}`,
      ].join("\n");
  }
  return run.ended === expected.ended
    ? undefined
    : `${recorded.id} ended ${run.ended}; recorded ${expected.ended}`;
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
