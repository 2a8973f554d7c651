import { DspexError } from "@dspex/core";
import { pipeline, type StandardSchema } from "@dspex/pipelines";
import { describe, expect, it } from "@jest/globals";
import {
  codeOf,
  createManualClock,
  eventsOf,
  fakeProgram,
  gates,
  hanging,
  startStage,
  turns,
  wordsOf,
} from "./stage.ts";

const none = (): undefined => undefined;
const busy = (): DspexError =>
  new DspexError("ERR_WORKER_CRASHED", "gone", {
    details: { stderr: "", worker: "w", reason: "exited", exitCode: 1, signal: null },
    retryable: true,
  });
const refused = (): DspexError =>
  new DspexError("ERR_INVALID_INPUT", "no", { details: { field: "a", expected: "str", received: "1" } });

describe("a stage that fails", () => {
  it("fails the run with its own error when that is one of DSPex, and says which stage it was", async () => {
    await using stage = await startStage();
    const program = fakeProgram<number, number>(() => {
      throw refused();
    });
    const p = pipeline("p")
      .stage("a", program, () => 1)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined);
    expect(await codeOf(run.result)).toBe("ERR_INVALID_INPUT");
    expect(await run.tryResult()).toMatchObject({
      ok: false,
      error: { code: "ERR_INVALID_INPUT" },
      meta: { stage: "a", run: run.id },
    });
    expect(await eventsOf(run)).toContainEqual(expect.objectContaining({ type: "run.failed", stage: "a" }));
  });

  it("fails the run with ERR_STAGE_FAILED and the cause when it threw anything else", async () => {
    await using stage = await startStage();
    const cause = new TypeError("undefined is not a ticket");
    const p = pipeline("p")
      .stage(
        "a",
        () => {
          throw cause;
        },
        none,
      )
      .output(({ a }) => a);
    const outcome = await stage.runner.run(p, undefined).tryResult();
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: "ERR_STAGE_FAILED", details: { pipeline: "p", stage: "a" }, cause },
    });
  });

  it.each([
    [
      "its map",
      pipeline("p")
        .stage("a", none, (): undefined => {
          throw new Error("no");
        })
        .output(({ a }) => a),
      "a",
    ],
    [
      "its list of items",
      pipeline("p")
        .map(
          "a",
          (): number[] => {
            throw new Error("no");
          },
          none,
          none,
        )
        .output(({ a }) => a),
      "a",
    ],
    [
      "the output",
      pipeline("p")
        .stage("a", none, none)
        .output((): undefined => {
          throw new Error("no");
        }),
      "output",
    ],
  ])("%s may be what throws", async (_what, p, stageName) => {
    await using stage = await startStage();
    const outcome = await stage.runner.run(p, undefined).tryResult();
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: "ERR_STAGE_FAILED" },
      meta: { stage: stageName },
    });
  });

  it("cancels what runs, and nothing starts any more", async () => {
    await using stage = await startStage();
    const { target, fail, happened } = gates();
    const { target: hang, aborted } = hanging();
    const p = pipeline("p")
      .parallel((g) => g.stage("a", target("a"), none).stage("b", hang, none))
      .stage("c", target("c"), none)
      .output(({ c }) => c);
    const run = stage.runner.run(p, undefined);
    await fail("a", refused());
    expect(await aborted).toMatchObject({ code: "ERR_INVALID_INPUT" });
    expect(await codeOf(run.result)).toBe("ERR_INVALID_INPUT");
    await turns();
    expect(happened).toEqual(["+a", "!a"]);
  });

  it("with skip it has no result, and the run goes on", async () => {
    await using stage = await startStage();
    const p = pipeline("p")
      .stage("a", () => Promise.reject(new Error("no")), { onError: "skip" }, none)
      .stage(
        "b",
        (value: unknown) => String(value),
        ({ a }) => a,
      )
      .output(({ a, b }) => [a, b]);
    const run = stage.runner.run(p, undefined);
    expect(await run.result).toEqual([undefined, "undefined"]);
    expect(await eventsOf(run)).toContainEqual(
      expect.objectContaining({ type: "stage.failed", stage: "a", tolerated: true }),
    );
  });

  it("G1: what it does after the run has ended is nobody's", async () => {
    await using stage = await startStage();
    const { target, open, fail } = gates();
    const p = pipeline("p")
      .parallel((g) => g.stage("a", target("a"), none).stage("b", target("b"), none))
      .output(({ a, b }) => [a, b]);
    const run = stage.runner.run(p, undefined);
    const settled: boolean[] = [];
    stage.telemetry.on("pipeline.run.settled", ({ fields }) => settled.push(fields.ok));
    await fail("a", refused());
    await open("b");
    expect(await codeOf(run.result)).toBe("ERR_INVALID_INPUT");
    expect(settled).toEqual([false]);
    expect(stage.app.deadLetters).toBe(0);
  });
});

describe("retries", () => {
  const twice = { retry: { attempts: 2 } };

  it("G10: a stage is tried again as often as it says, and each retry is told", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const program = fakeProgram<number, string>((_input, _options, call) => {
      if (call < 3) throw busy();
      return "third";
    });
    const p = pipeline("p")
      .stage("a", program, { retry: { attempts: 3 } }, () => 1)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await turns();
      clock.advance(5_000);
    }
    expect(await run.result).toBe("third");
    expect((await wordsOf(run)).slice(0, 4)).toEqual([
      "stage.started a",
      "stage.retried a",
      "stage.retried a",
      "stage.completed a",
    ]);
    expect(await run.tryResult()).toMatchObject({ meta: { furtherAttempts: 2 } });
  });

  it.each([
    ["an error that is not retryable", refused, 1],
    ["one that may go away", busy, 2],
    ["one that we know nothing of", () => new Error("?"), 2],
  ])("%s is met with that", async (_what, error, calls) => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const program = fakeProgram<number, string>(() => {
      throw error();
    });
    const p = pipeline("p")
      .stage("a", program, twice, () => 1)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined);
    await turns();
    clock.advance(5_000);
    await run.tryResult();
    expect(program.calls.length).toBe(calls);
  });

  it("G2: the stages of a run share one budget of further attempts", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const program = fakeProgram<number, string>((_input, _options, call) => {
      if (call % 2 === 1) throw busy();
      return "second";
    });
    const p = pipeline("p")
      .stage("a", program, twice, () => 1)
      .stage("b", program, twice, () => 1)
      .output(({ b }) => b);
    const run = stage.runner.run(p, undefined, { furtherAttempts: 1 });
    for (let step = 0; step < 4; step += 1) {
      await turns();
      clock.advance(5_000);
    }
    expect(await codeOf(run.result)).toBe("ERR_WORKER_CRASHED");
    // One retry in all: of the first stage.
    expect(program.calls).toHaveLength(3);
    expect(new Set(program.calls.map(({ options }) => options.budget)).size).toBe(1);
  });

  it("G2: what calls take by themselves comes out of it too", async () => {
    await using stage = await startStage();
    const program = fakeProgram<number, string>(() => "ok", 3);
    const inner = pipeline("inner")
      .stage("b", program, () => 1)
      .output(({ b }) => b);
    const p = pipeline("p")
      .stage("a", program, () => 1)
      .stage("b", inner, none)
      .output(({ b }) => b);
    const outcome = await stage.runner.run(p, undefined, { furtherAttempts: 3 }).tryResult();
    expect(outcome.meta.furtherAttempts).toBe(3);
    expect(program.calls[1]!.options.budget!.take()).toBe(false);
  });
});

describe("the input", () => {
  const schema: StandardSchema<{ n: string }, { n: number }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      async validate(value) {
        const n = Number((value as { n?: unknown } | undefined)?.n);
        if (n === 13) throw new Error("unlucky");
        return Number.isNaN(n)
          ? { issues: [{ message: "must be a number", path: ["n"] }] }
          : { value: { n } };
      },
    },
  };
  const p = pipeline("p", { input: schema })
    .stage(
      "a",
      (n: number) => n + 1,
      ({ input }) => input.n,
    )
    .output(({ a }) => a);

  it("is what the schema makes of it", async () => {
    await using stage = await startStage();
    expect(await stage.runner.run(p, { n: "1" }).result).toBe(2);
  });

  it("is refused before anything runs", async () => {
    await using stage = await startStage();
    const run = stage.runner.run(p, { n: "one" });
    expect(await run.tryResult()).toMatchObject({
      ok: false,
      error: { code: "ERR_INVALID_INPUT", details: { field: "n", expected: "must be a number" } },
    });
    expect(await wordsOf(run)).toEqual(["run.failed"]);
  });

  it("fails the run when the schema throws", async () => {
    await using stage = await startStage();
    expect(await codeOf(stage.runner.run(p, { n: "13" }).result)).toBe("ERR_STAGE_FAILED");
  });
});

describe("options of a run", () => {
  const p = pipeline("p")
    .stage("a", none, none)
    .output(({ a }) => a);

  it.each([
    ["restart", { restart: "always" }],
    ["timeoutMs", { timeoutMs: -1 }],
    ["furtherAttempts", { furtherAttempts: 0.5 }],
  ])("%s is checked", async (option, options) => {
    await using stage = await startStage();
    expect(() => stage.runner.run(p, undefined, options as never)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION", details: expect.objectContaining({ option }) }),
    );
  });

  it("what is no pipeline is refused", async () => {
    await using stage = await startStage();
    expect(() => stage.runner.run({} as never, undefined)).toThrow(/pipeline must be/);
  });

  it("affinity reaches every call", async () => {
    await using stage = await startStage();
    const program = fakeProgram<number, number>((n) => n);
    const inner = pipeline("inner")
      .stage("b", program, () => 1)
      .output(({ b }) => b);
    const outer = pipeline("p")
      .stage("a", program, () => 1)
      .stage("b", inner, none)
      .output(({ b }) => b);
    await stage.runner.run(outer, undefined, { affinity: "customer-1" }).result;
    expect(program.calls.map(({ options }) => options.affinity)).toEqual(["customer-1", "customer-1"]);
  });
});
