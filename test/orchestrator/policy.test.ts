import { describe, expect, it } from "@jest/globals";
import { choose, type Candidate } from "../../packages/orchestrator/src/policy.ts";

const candidates = (
  costs: Readonly<Record<string, number>>,
  trials: Readonly<Record<string, number>> = {},
): Candidate[] =>
  Object.entries(costs).map(([endpoint, cost]) => ({ endpoint, cost, trialCost: trials[endpoint] ?? cost }));

/** How often a candidate is tried, over all random numbers. */
const triedOften = (among: Candidate[], endpoint: string): number =>
  Array.from({ length: 10_000 }, (_, n) => choose(among, "a", n / 10_000)).filter(
    (choice) => choice.why === "trial" && choice.endpoint === endpoint,
  ).length / 10_000;

describe("the policy", () => {
  it("goes where the cost is lowest, to the first of equals", () => {
    expect(choose(candidates({ a: 2, b: 1, c: 1 }), undefined, 0.99)).toEqual({
      endpoint: "b",
      why: "best",
      usual: "b",
    });
  });

  it("moves only to what is cheaper by 15 %", () => {
    expect(choose(candidates({ a: 1.14, b: 1 }), "a", 0.99)).toEqual({
      endpoint: "a",
      why: "kept",
      usual: "a",
    });
    expect(choose(candidates({ a: 1.16, b: 1 }), "a", 0.99).usual).toBe("b");
  });

  it("takes the best one when the usual one is not among the candidates", () => {
    expect(choose(candidates({ a: 2, b: 1 }), "gone", 0.99).usual).toBe("b");
  });

  it("tries others as often as 5 % of the cost pays for, shared among them, and one as good at every fourth call", () => {
    expect(triedOften(candidates({ a: 1, b: 11 }), "b")).toBeCloseTo(0.005, 3);
    expect(triedOften(candidates({ a: 1, b: 11, c: 6 }), "c")).toBeCloseTo(0.005, 3);
    expect(triedOften(candidates({ a: 1, b: 1 }), "b")).toBeCloseTo(0.25, 3);
  });

  it("tries one that was cheap at its last trial often, however dear it was before", () => {
    expect(triedOften(candidates({ a: 1, b: 11 }, { b: 1 }), "b")).toBeCloseTo(0.25, 3);
  });

  it("has no choice with one candidate", () => {
    expect(choose(candidates({ a: 1 }), undefined, 0)).toEqual({ endpoint: "a", why: "best", usual: "a" });
  });
});
