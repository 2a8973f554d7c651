import { pipeline } from "@dspex/pipelines";
import { describe, expect, it } from "@jest/globals";
import { gates, startStage, turns } from "./stage.ts";

const none = (): undefined => undefined;

describe("the order of stages", () => {
  it("without reads, a stage waits for every stage written before it", async () => {
    await using stage = await startStage();
    const { target, open, happened } = gates();
    const p = pipeline("p")
      .stage("a", target("a"), none)
      .stage("b", target("b"), none)
      .stage("c", target("c"), none)
      .output(({ a, b, c }) => [a, b, c]);
    const run = stage.runner.run(p, undefined);
    for (const name of ["a", "b", "c"]) await open(name);
    expect(await run.result).toEqual(["a", "b", "c"]);
    expect(happened).toEqual(["+a", "-a", "+b", "-b", "+c", "-c"]);
  });

  it("stages that do not wait for one another run at the same time without being told", async () => {
    await using stage = await startStage();
    const { target, open, happened } = gates();
    const p = pipeline("p")
      .stage("a", target("a"), none)
      .stage("b", target("b"), { reads: ["a"] }, none)
      .stage("c", target("c"), { reads: ["a"] }, none)
      .stage("d", target("d"), { reads: [] }, none)
      .stage("e", target("e"), { reads: ["b"] }, none)
      .stage("f", target("f"), none)
      .output(({ f }) => f);
    const run = stage.runner.run(p, undefined);
    for (const name of ["a", "b", "e", "d", "c", "f"]) await open(name);
    expect(await run.result).toBe("f");
    expect(happened).toEqual(["+a", "+d", "-a", "+b", "+c", "-b", "+e", "-e", "-d", "-c", "+f", "-f"]);
  });

  it("the members of a group run at the same time, and what follows waits for all of them", async () => {
    await using stage = await startStage();
    const { target, open, happened } = gates();
    const p = pipeline("p")
      .stage("a", target("a"), none)
      .parallel((g) => g.stage("b", target("b"), none).stage("c", target("c"), none))
      .stage("d", target("d"), none)
      .output(({ b, c, d }) => [b, c, d]);
    const run = stage.runner.run(p, undefined);
    for (const name of ["a", "c", "b", "d"]) await open(name);
    expect(await run.result).toEqual(["b", "c", "d"]);
    expect(happened).toEqual(["+a", "-a", "+b", "+c", "-c", "-b", "+d", "-d"]);
  });

  it("gives a stage exactly what it reads, and the input", async () => {
    await using stage = await startStage();
    const given: unknown[] = [];
    const keep = (name: string) => (results: object) => void given.push([name, Object.keys(results)]);
    const p = pipeline<string>("p")
      .stage("a", none, keep("a"))
      .parallel((g) => g.stage("b", none, keep("b")).stage("c", none, keep("c")))
      .stage("d", none, { reads: ["b"] }, keep("d"))
      .stage("e", none, keep("e"))
      .output(keep("output"));
    await stage.runner.run(p, "").result;
    expect(given).toEqual([
      ["a", ["input"]],
      ["b", ["input", "a"]],
      ["c", ["input", "a"]],
      ["d", ["input", "b"]],
      ["e", ["input", "a", "b", "c", "d"]],
      ["output", ["input", "a", "b", "c", "d", "e"]],
    ]);
  });

  it("runs of one pipeline do not see one another", async () => {
    await using stage = await startStage();
    const p = pipeline<number>("p")
      .stage(
        "a",
        async (n: number) => n + 1,
        ({ input }) => input,
      )
      .stage(
        "b",
        async (n: number) => n * 2,
        ({ a }) => a,
      )
      .output(({ b }) => b);
    const inputs = Array.from({ length: 50 }, (_, index) => index);
    const results = await Promise.all(inputs.map((input) => stage.runner.run(p, input).result));
    expect(results).toEqual(inputs.map((input) => (input + 1) * 2));
    await turns();
    expect((await stage.actors()).size).toBe(0);
  });
});
