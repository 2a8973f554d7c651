import { getEventListeners } from "node:events";
import { pipeline } from "@dspex/pipelines";
import { describe, expect, it } from "@jest/globals";
import { codeOf, createManualClock, fakeProgram, hanging, startStage, turns, wordsOf } from "./stage.ts";

const none = (): undefined => undefined;

describe("cancelling a run", () => {
  it("G3: reaches the stages that run, in the same turn", async () => {
    await using stage = await startStage();
    const { target, started } = hanging();
    let signal: AbortSignal | undefined;
    const p = pipeline("p")
      .stage("a", (input: unknown, scope) => ((signal = scope.signal), target(input, scope)), none)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined);
    await started;
    run.cancel("enough");
    expect(signal?.aborted).toBe(true);
    expect(await run.tryResult()).toMatchObject({
      ok: false,
      error: { code: "ERR_CANCELLED", cause: "enough", details: { where: "in a" } },
    });
    expect(await wordsOf(run)).toEqual(["stage.started a", "run.cancelled"]);
    await turns();
    expect((await stage.actors()).size).toBe(0);
  });

  it("before the start: nothing runs", async () => {
    await using stage = await startStage();
    const program = fakeProgram<number, number>((n) => n);
    const p = pipeline("p")
      .stage("a", program, () => 1)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined, { signal: AbortSignal.abort("too late") });
    expect(await run.tryResult()).toMatchObject({
      ok: false,
      error: { code: "ERR_CANCELLED", cause: "too late", details: { where: "waiting to start" } },
    });
    await turns();
    expect(program.calls).toEqual([]);
    expect(await wordsOf(run)).toEqual(["run.cancelled"]);
  });

  it("while its input is checked: nothing runs", async () => {
    await using stage = await startStage();
    let checked!: () => void;
    const check = new Promise<void>((resolve) => (checked = resolve));
    const validate = async (value: unknown) => (await check, { value });
    const input = { "~standard": { version: 1 as const, vendor: "test", validate } };
    const program = fakeProgram<number, number>((n) => n);
    const p = pipeline("p", { input })
      .stage("a", program, () => 1)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined);
    run.cancel();
    checked();
    expect(await codeOf(run.result)).toBe("ERR_CANCELLED");
    await turns();
    expect(program.calls).toEqual([]);
  });

  it("by the signal while it runs", async () => {
    await using stage = await startStage();
    const { target, started, aborted } = hanging();
    const caller = new AbortController();
    const p = pipeline("p")
      .stage("a", target, none)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined, { signal: caller.signal });
    await started;
    caller.abort("gone");
    expect(await aborted).toMatchObject({ code: "ERR_CANCELLED", cause: "gone" });
    expect(await codeOf(run.result)).toBe("ERR_CANCELLED");
  });

  it("G1: after the end it changes nothing", async () => {
    await using stage = await startStage();
    const caller = new AbortController();
    const p = pipeline("p")
      .stage("a", () => 1, none)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined, { signal: caller.signal });
    expect(await run.result).toBe(1);
    run.cancel();
    caller.abort();
    expect(await run.tryResult()).toMatchObject({ ok: true, value: 1 });
    expect((await wordsOf(run)).at(-1)).toBe("run.completed");
    expect(getEventListeners(caller.signal, "abort")).toEqual([]);
  });

  it("from within one of its stages", async () => {
    await using stage = await startStage();
    const later = fakeProgram<number, number>((n) => n);
    const p = pipeline<() => void>("p")
      .stage(
        "a",
        async (cancel: () => void) => (await turns(), cancel()),
        ({ input }) => input,
      )
      .stage("b", later, () => 1)
      .output(({ b }) => b);
    const run = stage.runner.run(p, () => run.cancel("from a"));
    expect(await run.tryResult()).toMatchObject({
      ok: false,
      error: { code: "ERR_CANCELLED", cause: "from a" },
    });
    await turns();
    expect(later.calls).toEqual([]);
  });
});

describe("deadlines", () => {
  it("G2: a call gets the time that its run has left", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const program = fakeProgram<number, number>((n) => (clock.advance(30), n));
    const p = pipeline("p")
      .stage("a", program, () => 1)
      .stage("b", program, () => 1)
      .output(({ b }) => b);
    await stage.runner.run(p, undefined, { timeoutMs: 100 }).result;
    expect(program.calls.map(({ options }) => options.timeoutMs)).toEqual([100, 70]);
  });

  it("G2: when it passes the run fails, what runs is cancelled, and nothing starts", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const { target, started, aborted } = hanging();
    const p = pipeline("p")
      .stage("a", target, none)
      .stage("b", none, none)
      .output(({ b }) => b);
    const run = stage.runner.run(p, undefined, { timeoutMs: 100 });
    await started;
    clock.advance(100);
    expect(await run.tryResult()).toMatchObject({
      ok: false,
      error: { code: "ERR_DEADLINE_EXCEEDED", details: { timeoutMs: 100, where: "in a" } },
    });
    expect(await aborted).toMatchObject({ code: "ERR_DEADLINE_EXCEEDED" });
    expect(await wordsOf(run)).toEqual(["stage.started a", "run.failed"]);
  });

  it("G2: a run whose deadline has passed never starts", async () => {
    await using stage = await startStage();
    const program = fakeProgram<number, number>((n) => n);
    const p = pipeline("p")
      .stage("a", program, () => 1)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined, { timeoutMs: 0, restart: "permanent" });
    expect(await codeOf(run.result)).toBe("ERR_DEADLINE_EXCEEDED");
    expect(await wordsOf(run)).toEqual(["run.failed"]);
    expect(program.calls).toEqual([]);
  });

  it("a stage that hangs fails at its own, and its policy says what follows", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const { target, started, aborted } = hanging();
    const p = pipeline("p")
      .stage("a", target, { timeoutMs: 50, onError: "skip" }, none)
      .output(({ a }) => a ?? "without");
    const run = stage.runner.run(p, undefined);
    await started;
    clock.advance(50);
    expect(await run.result).toBe("without");
    expect(await aborted).toMatchObject({ code: "ERR_DEADLINE_EXCEEDED", details: { timeoutMs: 50 } });
  });

  it("G2: that of a stage does not reach beyond the run's", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const program = fakeProgram<number, number>((n) => n);
    const p = pipeline("p")
      .stage("a", program, { timeoutMs: 500 }, () => 1)
      .stage("b", program, { timeoutMs: 5 }, () => 1)
      .output(({ b }) => b);
    await stage.runner.run(p, undefined, { timeoutMs: 100 }).result;
    expect(program.calls.map(({ options }) => options.timeoutMs)).toEqual([100, 5]);
    expect(clock.pending).toBe(0);
  });

  it("G2: a pipeline as a stage has its stage's deadline", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const { target, started } = hanging();
    const inner = pipeline("inner")
      .stage("b", target, none)
      .output(({ b }) => b);
    const p = pipeline("p")
      .stage("a", inner, { timeoutMs: 10 }, none)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined);
    await started;
    clock.advance(10);
    expect(await codeOf(run.result)).toBe("ERR_DEADLINE_EXCEEDED");
    await turns();
    expect((await stage.actors()).size).toBe(0);
  });
});
