import { pipeline, type Pipeline } from "@dspex/pipelines";
import { kill, terminateChild } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import {
  codeOf,
  createManualClock,
  gates,
  hanging,
  startStage,
  turns,
  wordsOf,
  type Stage,
} from "./stage.ts";

const none = (): undefined => undefined;

/** Two stages that end when the test says so, and a list of how its runs settled. */
function twoStages(stage: Stage) {
  const gate = gates();
  const settled: string[] = [];
  stage.telemetry.on("pipeline.run.settled", ({ fields }) => settled.push(fields.ok ? "ok" : fields.code!));
  const p: Pipeline<string, string> = pipeline<string>("p")
    .stage("a", gate.target("a"), none)
    .stage("b", gate.target("b"), none)
    .output(({ input, b }) => input + b);
  const killRun = async (id: string): Promise<void> => {
    kill((await stage.actors()).get(id)!);
    await turns();
  };
  return { ...gate, settled, p, killRun };
}

describe("restart types of a run", () => {
  it("temporary: a run whose actor is killed is not started again and fails", async () => {
    await using stage = await startStage();
    const { p, open, killRun, happened, settled } = twoStages(stage);
    const run = stage.runner.run(p, "in-");
    await open("a");
    await killRun(run.id);
    expect(await codeOf(run.result)).toBe("ERR_PIPELINE_CRASHED");
    expect(happened).toEqual(["+a", "-a", "+b"]);
    expect(settled).toEqual(["ERR_PIPELINE_CRASHED"]);
    expect((await stage.actors()).size).toBe(0);
  });

  it("G1: transient: a run whose actor is killed starts over from its input, and has one outcome", async () => {
    await using stage = await startStage();
    const { p, open, killRun, happened, settled } = twoStages(stage);
    const run = stage.runner.run(p, "in-", { restart: "transient" });
    await open("a");
    await killRun(run.id);
    await open("a");
    await open("b");
    expect(await run.result).toBe("in-b");
    expect(happened).toEqual(["+a", "-a", "+b", "+a", "-a", "+b", "-b"]);
    expect(settled).toEqual(["ok"]);
    expect(await run.tryResult()).toMatchObject({ meta: { restarts: 1 } });
    expect(await wordsOf(run)).toEqual([
      "stage.started a",
      "stage.completed a",
      "stage.started b",
      "run.restarted",
      "stage.started a",
      "stage.completed a",
      "stage.started b",
      "stage.completed b",
      "run.completed",
    ]);
  });

  it("transient: what the killed actor was doing is cancelled", async () => {
    await using stage = await startStage();
    const { target, aborted } = hanging();
    let starts = 0;
    const p = pipeline("p")
      .stage("a", (input: undefined, scope) => ((starts += 1) === 1 ? target(input, scope) : "second"), none)
      .output(({ a }) => a);
    const run = stage.runner.run(p, undefined, { restart: "transient" });
    kill((await stage.actors()).get(run.id)!);
    await aborted;
    expect(await run.result).toBe("second");
  });

  it.each(["completes", "fails", "is cancelled"])(
    "transient: a run that %s has ended normally",
    async (end) => {
      await using stage = await startStage();
      const { p, open, fail, happened } = twoStages(stage);
      const run = stage.runner.run(p, "", { restart: "transient" });
      if (end === "fails") await fail("a", new Error("no"));
      else if (end === "is cancelled") run.cancel();
      else for (const name of ["a", "b"]) await open(name);
      await run.tryResult();
      await turns();
      expect((await stage.actors()).size).toBe(0);
      expect(happened.filter((word) => word === "+a")).toEqual(["+a"]);
    },
  );

  it("permanent: a run starts over whatever its end, until it is cancelled; the first outcome is its outcome", async () => {
    await using stage = await startStage();
    const { p, open, fail, killRun, happened, settled } = twoStages(stage);
    const run = stage.runner.run(p, "in-", { restart: "permanent" });
    for (const name of ["a", "b", "a"]) await open(name);
    expect(await run.result).toBe("in-b");
    await fail("b", new Error("no"));
    await killRun(run.id);
    await open("a");
    run.cancel();
    await turns();
    expect(happened).toEqual(["+a", "-a", "+b", "-b", "+a", "-a", "+b", "!b", "+a", "+a", "-a", "+b"]);
    expect(settled).toEqual(["ok", "ERR_STAGE_FAILED", "ERR_CANCELLED"]);
    expect(await run.tryResult()).toMatchObject({ ok: true });
    expect((await stage.actors()).size).toBe(0);
    expect((await wordsOf(run)).at(-1)).toBe("run.cancelled");
  });

  it("G2: the deadline of a run holds over its restarts, and so does its budget", async () => {
    const clock = createManualClock();
    await using stage = await startStage(clock);
    const { p, open, killRun } = twoStages(stage);
    const run = stage.runner.run(p, "", { restart: "transient", timeoutMs: 100 });
    clock.advance(60);
    await killRun(run.id);
    await open("a");
    clock.advance(40);
    expect(await codeOf(run.result)).toBe("ERR_DEADLINE_EXCEEDED");
    await turns();
    expect((await stage.actors()).size).toBe(0);
  });
});

describe("the supervisor of the runs", () => {
  it("G1: a run that is asked to stop by it settles", async () => {
    await using stage = await startStage();
    const { p } = twoStages(stage);
    const run = stage.runner.run(p, "", { restart: "permanent" });
    await terminateChild(stage.supervisor(), run.id);
    expect(await codeOf(run.result)).toBe("ERR_PIPELINE_STOPPED");
  });

  it("G1: all runs settle when it stops, and when it is killed", async () => {
    await using stage = await startStage();
    const { p, settled } = twoStages(stage);
    const runs = (["temporary", "transient", "permanent"] as const).map((restart) =>
      stage.runner.run(p, "", { restart }),
    );
    kill(stage.supervisor());
    expect(await Promise.all(runs.map(({ result }) => codeOf(result)))).toEqual([
      "ERR_PIPELINE_CRASHED",
      "ERR_PIPELINE_STOPPED",
      "ERR_PIPELINE_STOPPED",
    ]);
    const later = stage.runner.run(p, "", { restart: "transient" });
    await stage.app.stop();
    expect(await codeOf(later.result)).toBe("ERR_PIPELINE_STOPPED");
    expect(await codeOf(stage.runner.run(p, "").result)).toBe("ERR_PIPELINE_STOPPED");
    expect(settled.length).toBe(5);
  });

  it("G1: runs that crash too often take it down, and settle; the next one finds a new supervisor", async () => {
    await using stage = await startStage();
    const { p, open, killRun } = twoStages(stage);
    const run = stage.runner.run(p, "", { restart: "transient" });
    for (let crash = 0; crash < 11; crash += 1) await killRun(run.id);
    expect(await codeOf(run.result)).toBe("ERR_PIPELINE_STOPPED");
    const next = stage.runner.run(p, "");
    for (const name of ["a", "b"]) await open(name);
    expect(await next.result).toBe("b");
  });
});
