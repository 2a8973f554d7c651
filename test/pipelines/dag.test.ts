import { pipeline } from "@dspex/pipelines";
import { describe, expect, it } from "@jest/globals";
import { createDag, type DagNode } from "../../packages/pipelines/src/dag.ts";

const node = (name: string, reads: string[] = [], rest: Partial<DagNode> = {}): DagNode => ({
  name,
  kind: "stage",
  reads,
  ...rest,
});
const echo = (value: unknown): unknown => value;

describe("the graph of a pipeline", () => {
  it("keeps only what a node directly waits for", () => {
    const { nodes } = createDag("p", [node("a"), node("b", ["a"]), node("c", ["a", "b"]), node("d", ["a"])]);
    expect(nodes.map(({ name, after }) => `${name}: ${after.join(" ")}`)).toEqual([
      "a: ",
      "b: a",
      "c: b",
      "d: a",
    ]);
  });

  it("puts nodes behind those that they wait for, and else leaves them as written", () => {
    const { nodes } = createDag("p", [
      node("c", ["b"]),
      node("a"),
      node("b"),
      node("d", [], { waitsFor: ["a"] }),
    ]);
    expect(nodes.map(({ name }) => name)).toEqual(["a", "b", "d", "c"]);
  });

  it.each([
    ["a name that is used twice", [node("a"), node("a")], /two stages have the name "a"/, ["a"]],
    ["a name that nobody has", [node("a", ["b"])], /stage "a" reads "b", which is no stage/, ["a", "b"]],
    ["a stage that reads itself", [node("a", ["a"])], /reads itself/, ["a"]],
    [
      "a cycle, naming its stages",
      [node("x", ["c"]), node("a", ["c"]), node("b", ["a"]), node("c", ["b"])],
      /wait for each other: c → b → a → c/,
      ["c", "b", "a"],
    ],
    ["a condition that is none", [node("a"), node("b", [], { within: "a" })], /no condition/, ["b", "a"]],
  ])("refuses %s", (_what, nodes, message, names) => {
    const write = (): unknown => createDag("p", nodes);
    expect(write).toThrow(message);
    expect(write).toThrow(
      expect.objectContaining({
        code: "ERR_PIPELINE",
        details: expect.objectContaining({ pipeline: "p", names }),
      }),
    );
  });
});

describe("a pipeline as it is written", () => {
  // What the compiler refuses has to be refused in JavaScript too.
  const p = pipeline("p") as unknown as {
    stage(...args: unknown[]): typeof p;
    map(...args: unknown[]): typeof p;
    when(...args: unknown[]): typeof p;
    parallel(build: (group: typeof p) => typeof p): typeof p;
    output(...args: unknown[]): unknown;
  };

  it.each([
    [
      "an unknown stage",
      () => p.stage("a", echo, { reads: ["b"] }, echo),
      /stage "a" reads "b", which is no stage before it/,
    ],
    ["itself", () => p.stage("a", echo, { reads: ["a"] }, echo), /stage "a" reads "a", itself/],
    [
      "a sibling of its group",
      () => p.parallel((g) => g.stage("a", echo, echo).stage("b", echo, { reads: ["a"] }, echo)),
      /stage "b" reads "a", which it cannot see/,
    ],
  ])("refuses a stage that reads %s", (_what, write, message) => {
    expect(write).toThrow(message);
    expect(write).toThrow(expect.objectContaining({ code: "ERR_PIPELINE" }));
  });

  it("refuses a name that is taken, in whatever group", () => {
    expect(() => p.parallel((g) => g.stage("a", echo, echo).stage("a", echo, echo))).toThrow(
      /two stages have the name "a"/,
    );
    expect(() =>
      p.stage("a", echo, echo).when(
        () => true,
        (q: typeof p) => q.stage("a", echo, echo),
      ),
    ).toThrow(/"a"/);
  });

  it("refuses a pipeline without a stage", () => {
    expect(() => p.output(echo)).toThrow(/has no stage/);
  });

  it.each([
    ["stage", () => p.stage("my stage", echo, echo)],
    ["stage", () => p.stage("input", echo, echo)],
    ["a.target", () => p.stage("a", { call: 3 }, echo)],
    ["a.target", () => p.stage("a", null, echo)],
    ["a.map", () => p.stage("a", echo)],
    ["a.timeoutMs", () => p.stage("a", echo, { timeoutMs: -1 }, echo)],
    ["a.retry.attempts", () => p.stage("a", echo, { retry: { attempts: 0 } }, echo)],
    ["a.onError", () => p.stage("a", echo, { onError: "partial" }, echo)],
    ["a.concurrency", () => p.map("a", echo, echo, echo, { concurrency: 0 })],
    ["when-1.predicate", () => p.when(true, echo)],
    ["output", () => p.stage("a", echo, echo).output("a")],
    ["name", () => pipeline("")],
    ["input", () => pipeline("p", { input: "ticket" as never })],
  ])("names the option %s that is wrong", (option, write) => {
    expect(write).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", details: expect.objectContaining({ option }) }),
    );
  });

  it("never changes: two continuations of one beginning do not see each other", () => {
    const begun = pipeline<number>("p").stage(
      "a",
      (n: number) => n,
      ({ input }) => input,
    );
    const left = begun
      .stage(
        "left",
        (n: number) => n,
        ({ a }) => a,
      )
      .output(({ left: value }) => value);
    const right = begun
      .stage(
        "right",
        (n: number) => n,
        ({ a }) => a,
      )
      .output(({ right: value }) => value);
    expect(left.toJSON().stages.map(({ name }) => name)).toEqual(["a", "left", "output"]);
    expect(right.toJSON().stages.map(({ name }) => name)).toEqual(["a", "right", "output"]);
  });

  const drawn = pipeline<{ items: string[] }>("drawn")
    .stage(
      "first",
      function look(text: string) {
        return text;
      },
      ({ input }) => input.items.join(),
    )
    .parallel((g) =>
      g
        .map(
          "each",
          ({ input }) => input.items,
          (text: string) => text,
          (item) => item,
          { concurrency: 2, onError: "partial" },
        )
        .stage(
          "own",
          (n: number) => n,
          { reads: [], timeoutMs: 50, retry: { attempts: 2 } },
          () => 1,
        ),
    )
    .when(
      ({ own }) => own > 0,
      (q) =>
        q.stage(
          "more",
          (n: number) => n,
          ({ own }) => own,
        ),
    )
    .output(({ more }) => more);

  it("is plain JSON", () => {
    expect(JSON.parse(JSON.stringify(drawn))).toEqual({
      name: "drawn",
      stages: [
        { name: "first", kind: "stage", reads: [], after: [], target: { function: "look" } },
        {
          name: "each",
          kind: "map",
          reads: ["first"],
          after: ["first"],
          target: { function: "" },
          concurrency: 2,
          onError: "partial",
        },
        {
          name: "own",
          kind: "stage",
          reads: [],
          after: [],
          target: { function: "" },
          timeoutMs: 50,
          attempts: 2,
        },
        { name: "when-1", kind: "when", reads: ["first", "each", "own"], after: ["each", "own"] },
        {
          name: "more",
          kind: "stage",
          reads: ["first", "each", "own"],
          within: "when-1",
          after: ["when-1"],
          target: { function: "" },
        },
        { name: "output", kind: "output", reads: ["first", "each", "own", "more"], after: ["more"] },
      ],
    });
  });

  it("is a Mermaid flowchart", () => {
    expect(
      drawn
        .toMermaid()
        .split("\n")
        .map((line) => line.trim()),
    ).toEqual([
      "flowchart TD",
      'input(["input"])',
      'n0["first<br/>look"]',
      "input --> n0",
      'n1[["each"]]',
      "n0 --> n1",
      'n2["own"]',
      "input --> n2",
      'n3{"when-1"}',
      "n1 --> n3",
      "n2 --> n3",
      'n4["more"]',
      "n3 -->|holds| n4",
      'n5(["output"])',
      "n4 --> n5",
      "",
    ]);
  });
});
