import { pipeline } from "@dspex/pipelines";
import { describe, expect, it } from "@jest/globals";
import { codeOf, eventsOf, fakeProgram, gates, hanging, startStage, turns, wordsOf } from "./stage.ts";

const same = <T>(value: T): T => value;

describe("when", () => {
  const graded = pipeline<number>("graded")
    .stage("grade", same<number>, ({ input }) => input)
    .when(
      ({ grade }) => grade < 5,
      (p) =>
        p
          .stage(
            "again",
            (n: number) => n * 10,
            ({ grade }) => grade,
          )
          .stage("twice", same<number>, ({ again }) => again),
    )
    .stage("last", same<number | undefined>, ({ twice }) => twice)
    .output(({ grade, last }) => last ?? grade);

  it("runs its steps where the predicate holds", async () => {
    await using stage = await startStage();
    expect(await stage.runner.run(graded, 2).result).toBe(20);
  });

  it("skips all of them where it does not, and their results are undefined", async () => {
    await using stage = await startStage();
    const run = stage.runner.run(graded, 7);
    expect(await run.result).toBe(7);
    expect((await wordsOf(run)).filter((word) => word.startsWith("stage.s"))).toEqual([
      "stage.started grade",
      "stage.skipped again",
      "stage.skipped twice",
      "stage.started last",
    ]);
  });

  it("a condition within a condition that does not hold is not asked", async () => {
    await using stage = await startStage();
    let asked = 0;
    const p = pipeline<boolean>("p")
      .when(
        ({ input }) => input,
        (outer) =>
          outer
            .stage("a", same<number>, () => 1)
            .when(
              () => (asked += 1) > 0,
              (inner) => inner.stage("b", same<number>, () => 2),
            ),
      )
      .output(({ a, b }) => [a, b]);
    expect(await stage.runner.run(p, false).result).toEqual([undefined, undefined]);
    expect(asked).toBe(0);
    expect(await stage.runner.run(p, true).result).toEqual([1, 2]);
    expect(asked).toBe(1);
  });

  it("a predicate that throws fails the run and is named", async () => {
    await using stage = await startStage();
    const p = pipeline("p")
      .when(
        () => {
          throw new Error("no idea");
        },
        (q) => q.stage("a", same<number>, () => 1),
      )
      .output(({ a }) => a);
    const outcome = await stage.runner.run(p, undefined).tryResult();
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: "ERR_STAGE_FAILED", details: { pipeline: "p", stage: "when-1" } },
      meta: { stage: "when-1" },
    });
  });
});

describe("map", () => {
  it("calls once per item and keeps the order of the items, whatever the order of the ends", async () => {
    await using stage = await startStage();
    const { target, open } = gates();
    const p = pipeline<string[]>("p")
      .map(
        "each",
        ({ input }) => input,
        (name: string) => target(name)(),
        (item) => item,
      )
      .output(({ each }) => each);
    const run = stage.runner.run(p, ["a", "b", "c"]);
    for (const name of ["c", "a", "b"]) await open(name);
    expect(await run.result).toEqual(["a", "b", "c"]);
  });

  it("G4: calls no more items at a time than its concurrency", async () => {
    await using stage = await startStage();
    const { target, open, happened } = gates();
    const p = pipeline<string[]>("p")
      .map(
        "each",
        ({ input }) => input,
        (name: string) => target(name)(),
        (item) => item,
        { concurrency: 2 },
      )
      .output(({ each }) => each.length);
    const run = stage.runner.run(p, ["a", "b", "c", "d"]);
    for (const name of ["b", "a", "c", "d"]) await open(name);
    expect(await run.result).toBe(4);
    expect(happened).toEqual(["+a", "+b", "-b", "+c", "-a", "+d", "-c", "-d"]);
  });

  it("of no items is an empty list", async () => {
    await using stage = await startStage();
    const p = pipeline("p")
      .map(
        "each",
        () => [] as string[],
        same<string>,
        (item) => item,
      )
      .output(({ each }) => each);
    expect(await stage.runner.run(p, undefined).result).toEqual([]);
  });

  const odd = (n: number): number => {
    if (n % 2 === 0) throw new Error(`${n} is even`);
    return n;
  };

  it("fails with the first item that fails, and starts no further ones", async () => {
    await using stage = await startStage();
    const program = fakeProgram(odd);
    const p = pipeline("p")
      .map(
        "each",
        () => [1, 2, 3, 5],
        program,
        (item) => item,
        { concurrency: 1 },
      )
      .output(({ each }) => each);
    expect(await codeOf(stage.runner.run(p, undefined).result)).toBe("ERR_STAGE_FAILED");
    await turns();
    expect(program.calls.map(({ input }) => input)).toEqual([1, 2]);
  });

  it("cancels the items that run when one fails", async () => {
    await using stage = await startStage();
    const { target, started, aborted } = hanging();
    const p = pipeline("p")
      .map(
        "each",
        () => ["hang", "fail"],
        async (item: string, scope) => {
          if (item === "hang") return target(item, scope);
          await started;
          throw new Error("no");
        },
        (item) => item,
        { onError: "skip" },
      )
      .output(({ each }) => each);
    expect(await stage.runner.run(p, undefined).result).toBeUndefined();
    expect(await aborted).toMatchObject({ code: "ERR_STAGE_FAILED" });
  });

  it("keeps with partial the results that there are, and says how many there are not", async () => {
    await using stage = await startStage();
    const p = pipeline("p")
      .map(
        "each",
        () => [1, 2, 3],
        odd,
        (item) => item,
        { onError: "partial" },
      )
      .output(({ each }) => each);
    const run = stage.runner.run(p, undefined);
    expect(await run.result).toEqual([1, undefined, 3]);
    expect(await eventsOf(run)).toContainEqual(
      expect.objectContaining({ type: "stage.completed", stage: "each", failedItems: 1 }),
    );
  });
});

describe("a pipeline as a stage", () => {
  const inner = pipeline<number>("inner")
    .stage(
      "twice",
      (n: number) => n * 2,
      ({ input }) => input,
    )
    .output(({ twice }) => twice);

  it("is a run of its own, and its output the stage's result", async () => {
    await using stage = await startStage();
    const p = pipeline<number>("outer")
      .stage("sub", inner, ({ input }) => input + 1)
      .output(({ sub }) => sub);
    const settled: string[] = [];
    stage.telemetry.on("pipeline.run.settled", ({ fields }) => settled.push(fields.pipeline));
    expect(await stage.runner.run(p, 1).result).toBe(4);
    expect(settled).toEqual(["inner", "outer"]);
  });

  it("is cancelled with the run that it is part of", async () => {
    await using stage = await startStage();
    const { target, started, aborted } = hanging();
    const deep = pipeline("deep")
      .stage("hang", target, () => 1)
      .output(({ hang }) => hang);
    const p = pipeline("outer")
      .stage("sub", deep, () => undefined)
      .output(({ sub }) => sub);
    const run = stage.runner.run(p, undefined);
    await started;
    run.cancel();
    expect(await aborted).toMatchObject({ code: "ERR_CANCELLED" });
    await turns();
    expect((await stage.actors()).size).toBe(0);
  });

  it("fails its stage with its own error", async () => {
    await using stage = await startStage();
    const deep = pipeline("deep")
      .stage(
        "a",
        () => {
          throw new Error("deep down");
        },
        () => 1,
      )
      .output(({ a }) => a);
    const p = pipeline("outer")
      .stage("sub", deep, () => undefined)
      .output(({ sub }) => sub);
    const outcome = await stage.runner.run(p, undefined).tryResult();
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: "ERR_STAGE_FAILED", details: { pipeline: "deep", stage: "a" } },
      meta: { pipeline: "outer", stage: "sub" },
    });
  });
});
