import { describe, expect, it } from "@jest/globals";
import { readCases } from "./cases.ts";
import { differenceOf, firstDifference } from "./compare.ts";
import { play } from "./play.ts";

const cases = readCases(new URL("cases.jsonl.gz", import.meta.url));

describe("the recorded runs of OTP's own supervisor", () => {
  it("G7: all 2,000 go the same way here", async () => {
    const differences: string[] = [];
    for (const recorded of cases) {
      const difference = await differenceOf(recorded);
      if (difference !== undefined) differences.push(difference);
    }
    expect(cases).toHaveLength(2_000);
    expect(differences).toEqual([]);
  }, 60_000);

  it("a run that goes another way is told apart, with the step in which it does", async () => {
    const recorded = cases.find(({ ops }) => ops.some(({ op }) => op === "exit"))!;
    const run = await play(recorded);
    const steps = run.steps.map((step, index) => (index === 1 ? { ...step, result: "another" } : step));
    expect(firstDifference(recorded, { ...run, steps })).toContain("step 1");
    expect(firstDifference(recorded, { ...run, ended: "another" })).toContain("ours     another");
  });
});
