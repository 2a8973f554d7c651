import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { createDag, type DagNode } from "../../packages/pipelines/src/dag.ts";
import { allWaiting, nextSteps, type Standings } from "../../packages/pipelines/src/scheduler.ts";

const node = (name: string, reads: string[] = [], rest: Partial<DagNode> = {}): DagNode => ({
  name,
  kind: "stage",
  reads,
  ...rest,
});
const dag = createDag("p", [
  node("a"),
  node("b", ["a"]),
  node("c", ["a"]),
  node("w", ["b"], { kind: "when" }),
  node("x", ["b"], { within: "w" }),
  node("y", ["x"], { within: "w" }),
  node("z", ["y", "c"]),
]);
const at = (standings: Standings): Standings => ({ ...allWaiting(dag), ...standings });

describe("what a run does next", () => {
  it("begins with the nodes that wait for nothing", () => {
    expect(nextSteps(dag, at({}))).toEqual({ ready: ["a"], skipped: [], done: false });
  });

  it("starts at once all nodes that waited for the one that ended", () => {
    expect(nextSteps(dag, at({ a: "completed" })).ready).toEqual(["b", "c"]);
  });

  it("starts nothing twice", () => {
    expect(nextSteps(dag, at({ a: "completed", b: "running", c: "running" }))).toEqual({
      ready: [],
      skipped: [],
      done: false,
    });
  });

  it("goes on behind a failure that is tolerated", () => {
    expect(nextSteps(dag, at({ a: "failed" })).ready).toEqual(["b", "c"]);
  });

  it("skips all that is within a condition that does not hold, and what reads it runs", () => {
    const skipped = nextSteps(dag, at({ a: "completed", b: "completed", c: "completed", w: "skipped" }));
    expect(skipped).toEqual({ ready: ["z"], skipped: ["x", "y"], done: false });
  });

  it("waits for everything else before that", () => {
    expect(nextSteps(dag, at({ a: "completed", b: "completed", c: "running", w: "skipped" })).ready).toEqual(
      [],
    );
  });

  it("is done when all have ended", () => {
    const ended = at({
      a: "completed",
      b: "failed",
      c: "completed",
      w: "skipped",
      x: "skipped",
      y: "skipped",
      z: "completed",
    });
    expect(nextSteps(dag, ended)).toEqual({ ready: [], skipped: [], done: true });
  });

  it("brings every graph to its end, each node after those that it waits for", () => {
    const graphs = fc
      .array(
        fc.record({
          reads: fc.array(fc.nat(), { maxLength: 4 }),
          when: fc.boolean(),
          within: fc.option(fc.nat()),
        }),
        { minLength: 1, maxLength: 20 },
      )
      .map((drafts) => {
        const nodes: DagNode[] = [];
        for (const [index, { reads, when, within }] of drafts.entries()) {
          const conditions = nodes.filter(({ kind }) => kind === "when");
          const condition =
            within === null || conditions.length === 0
              ? undefined
              : conditions[within % conditions.length]!.name;
          nodes.push({
            name: `n${index}`,
            kind: when ? "when" : "stage",
            reads: index === 0 ? [] : [...new Set(reads.map((read) => `n${read % index}`))],
            ...(condition === undefined ? {} : { within: condition }),
          });
        }
        return createDag("p", nodes);
      });
    const ends = fc.infiniteStream(fc.constantFrom("completed", "failed", "skipped"));
    fc.assert(
      fc.property(graphs, ends, fc.infiniteStream(fc.nat()), (graph, endOf, pick) => {
        let standings: Standings = allWaiting(graph);
        const ended = (name: string): boolean => !["waiting", "running"].includes(standings[name]!);
        for (;;) {
          const { ready, skipped, done } = nextSteps(graph, standings);
          for (const name of skipped) standings = { ...standings, [name]: "skipped" };
          for (const name of ready) {
            expect(graph.nodes.find((each) => each.name === name)!.after.every(ended)).toBe(true);
            standings = { ...standings, [name]: "running" };
          }
          const running = Object.keys(standings).filter((name) => standings[name] === "running");
          expect(done).toBe(running.length === 0);
          if (done) break;
          standings = { ...standings, [running[pick.next().value % running.length]!]: endOf.next().value };
        }
        expect(Object.keys(standings).every(ended)).toBe(true);
      }),
    );
  });
});
