import { pipeline } from "@dspex/pipelines";
import { describe, expect, it } from "@jest/globals";
import { createManualClock, eventsOf, fakeProgram, gates, startStage, turns, wordsOf } from "./stage.ts";

const none = (): undefined => undefined;

describe("the events of a run", () => {
  it("tell each stage and the run, with durations, in one order", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const program = fakeProgram<number, number>((n) => (clock.advance(10), n));
    const p = pipeline("p")
      .stage("a", program, () => 1)
      .stage("b", program, () => 1)
      .output(({ b }) => b);
    expect(await eventsOf(stage.runner.run(p, undefined))).toEqual([
      { sequence: 1, type: "stage.started", stage: "a" },
      { sequence: 2, type: "stage.completed", stage: "a", durationMs: 10, failedItems: 0 },
      { sequence: 3, type: "stage.started", stage: "b" },
      { sequence: 4, type: "stage.completed", stage: "b", durationMs: 10, failedItems: 0 },
      { sequence: 5, type: "run.completed", durationMs: 20 },
    ]);
  });

  it("reach every reader, whether it comes early or late, at its own pace", async () => {
    await using stage = await startStage();
    const { target, open } = gates();
    const p = pipeline("p")
      .stage("a", target("a"), none)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined);
    const early = wordsOf(run);
    await open("a");
    await run.result;
    expect(await wordsOf(run)).toEqual(["stage.started a", "stage.completed a", "run.completed"]);
    expect(await early).toEqual(await wordsOf(run));
  });

  it("do not hold up or cancel the run when their reader leaves", async () => {
    await using stage = await startStage();
    const { target, open } = gates();
    const p = pipeline("p")
      .stage("a", target("a"), none)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined);
    for await (const { type } of run.events) if (type === "stage.started") break;
    await open("a");
    expect(await run.result).toBe("a");
  });

  it("G4: of a long run only the last 1,000 are kept, and the sequence shows the gap", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const p = pipeline("p")
      .map(
        "each",
        () => Array.from({ length: 700 }, () => 1),
        (() => {
          let calls = 0;
          return () => {
            if ((calls += 1) % 3 !== 0) throw new Error("again");
            return calls;
          };
        })(),
        none,
        { retry: { attempts: 3 }, concurrency: 1 },
      )
      .output(({ each }) => each.length);
    const run = stage.runner.run(p, undefined, { timeoutMs: Infinity, furtherAttempts: 10_000 });
    let settled = false;
    void run.tryResult().then(() => (settled = true));
    while (!settled) {
      await Promise.resolve();
      clock.advance(50);
    }
    expect(await run.result).toBe(700);
    const events = await eventsOf(run);
    expect(events.length).toBe(1_000);
    expect(events[0]!.sequence).toBe(404);
    expect(events.at(-1)).toMatchObject({ type: "run.completed", sequence: 1_403 });
  });
});

describe("telemetry", () => {
  it("G10: has one record of each stage and of the run", async () => {
    await using stage = await startStage();
    const records: unknown[] = [];
    stage.telemetry.onAny(({ name, fields }) => records.push([name, fields]));
    const p = pipeline("p")
      .stage("a", () => 1, none)
      .stage("b", () => Promise.reject(new Error("no")), none)
      .output(({ b }) => b);
    const run = stage.runner.run(p, undefined);
    await run.tryResult();
    await turns();
    const about = { run: run.id, pipeline: "p", durationMs: expect.any(Number) };
    expect(records).toEqual([
      ["pipeline.run.started", { run: run.id, pipeline: "p", restart: "temporary" }],
      ["pipeline.stage.settled", { ...about, stage: "a", ok: true, retries: 0 }],
      ["pipeline.stage.settled", { ...about, stage: "b", ok: false, code: "ERR_STAGE_FAILED", retries: 0 }],
      ["pipeline.run.settled", { ...about, ok: false, code: "ERR_STAGE_FAILED", stage: "b", restarts: 0 }],
    ]);
  });
});
