import { describe, expect, it } from "@jest/globals";
import { pipeline, scripted, signature, type PipelineEvent } from "dspex";
import { kill, whichChildren } from "@dspex/supervisors";
import { eventually } from "../support/eventually.ts";
import { startTestRuntime } from "../support/runtime.ts";

describe("a pipeline over real Python", () => {
  it("runs programs, Python functions and functions of this process as stages", async () => {
    const reply = "[[ ## answer ## ]]\n21\n\n[[ ## completed ## ]]";
    await using runtime = await startTestRuntime({ size: 1 }, { lm: { default: scripted(() => reply) } });
    const ask = runtime.program(signature("question -> answer: int"));
    const double = runtime.pythonFunction<[number], number>("functions:double");
    const doubled = pipeline<string>("doubled")
      .stage("asked", ask, ({ input }) => ({ question: input }))
      .stage("twice", double, ({ asked }): [number] => [asked.answer])
      .stage(
        "text",
        ({ n }: { n: number }) => `${n}!`,
        ({ twice }) => ({ n: twice }),
      )
      .output(({ text }) => text);
    const run = runtime.run(doubled, "What is half of it?");
    const events: PipelineEvent[] = [];
    for await (const event of run.events) events.push(event);
    expect(await run.result).toBe("42!");
    expect(events.map(({ type }) => type).filter((type) => type === "stage.completed")).toHaveLength(3);
  }, 30_000);

  it("G5: a transient run whose actor is killed starts again and has one outcome", async () => {
    await using runtime = await startTestRuntime({ size: 1 });
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    const waiting = pipeline<number>("waiting")
      .stage("waited", wait, ({ input }): [number] => [input])
      .output(({ waited }) => waited);
    const run = runtime.run(waiting, 300, { restart: "transient" });
    const supervisor = runtime.application.registry.whereis("pipelines")!;
    const [child] = await eventually(async () => {
      const children = await whichChildren(supervisor);
      return runtime.workers()[0]?.inFlight === 1 && children;
    });
    kill(child!.ref as Parameters<typeof kill>[0]);
    const outcome = await run.tryResult();
    expect(outcome).toMatchObject({ ok: true, meta: { restarts: 1 } });
  }, 30_000);

  it("G3: cancelling a run reaches the Python task", async () => {
    await using runtime = await startTestRuntime({ size: 1 });
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    const waiting = pipeline<number>("waiting")
      .stage("waited", wait, ({ input }): [number] => [input])
      .output(({ waited }) => waited);
    const run = runtime.run(waiting, 20_000);
    await eventually(() => runtime.workers()[0]?.inFlight === 1);
    run.cancel("enough");
    expect(await run.tryResult()).toMatchObject({ ok: false, error: { code: "ERR_CANCELLED" } });
    await eventually(() => runtime.workers()[0]?.inFlight === 0);
  }, 30_000);

  it("ends with a typed error when the application is gone", async () => {
    const runtime = await startTestRuntime({ size: 1 });
    const double = runtime.pythonFunction<[number], number>("functions:double");
    const doubled = pipeline<number>("doubled")
      .stage("twice", double, ({ input }): [number] => [input])
      .output(({ twice }) => twice);
    await runtime.stop();
    const outcome = await runtime.run(doubled, 1).tryResult();
    expect(outcome).toMatchObject({ ok: false, error: { code: "ERR_PIPELINE_STOPPED" } });
  }, 30_000);
});
