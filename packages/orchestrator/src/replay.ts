import { explain, type Explanation } from "./decision.ts";
import type { LearnerEntry } from "./entry.ts";
import { Learning } from "./learning.ts";

/** The decisions that a learner with this seed makes when it sees this log (G12). */
export function replay(log: Iterable<LearnerEntry>, seed: number): Explanation[] {
  let learning = new Learning(seed);
  const decisions: Explanation[] = [];
  for (const entry of log) {
    if (entry.entry === "started") learning = new Learning(seed);
    else if (entry.entry === "asked") decisions.push(explain(learning.ask(entry)));
    else learning.learn(entry);
  }
  return decisions;
}
