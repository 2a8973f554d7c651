import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { countChildren, kill } from "@dspex/supervisors";
import { scripted, signature } from "dspex";
import { eventually } from "../support/eventually.ts";
import { processes } from "../support/processes.ts";
import { freshPath, startTestRuntime } from "../support/runtime.ts";

const reply = "[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]";
const lives = (pid: number): boolean => processes().some((process) => process.pid === pid);

describe("the job lane", () => {
  it("runs each call in a process of its own, one at a time, and takes no place from other calls", async () => {
    await using runtime = await startTestRuntime({ size: 1, maxInFlight: 1 });
    const [worker] = runtime.workers();
    const printed: string[] = [];
    runtime.telemetry.on("pool.worker.log", ({ fields }) => printed.push(`${fields.worker}: ${fields.text}`));
    const say = runtime.pythonFunction<[string, number], number>("functions:say_and_sleep", { lane: "job" });
    const double = runtime.pythonFunction<[number], number>("functions:double");

    const jobs = [say.call(["first", 300]), say.call(["second", 0])];
    await eventually(() => printed.length === 1);
    expect(await double.call([21])).toBe(42);
    expect(printed).toEqual(["dspy.job-1: first"]);
    const pids = await Promise.all(jobs);
    expect(new Set([...pids, worker!.pid]).size).toBe(3);
    await eventually(() => !pids.some(lives));
    await eventually(() => printed.length === 2);
    expect(printed[1]).toBe("dspy.job-2: second");
  }, 30_000);

  it("asks the host's models and streams, as any call does", async () => {
    await using runtime = await startTestRuntime(
      { size: 1, jobs: 2 },
      {
        lm: { default: scripted(() => reply) },
        tools: { model: (_args, within) => ask.call({ question: "?" }, { within }) },
      },
    );
    const ask = runtime.program(signature("question -> answer"));
    const tool = runtime.pythonFunction<[string, null], unknown>("functions:use_tool", { lane: "job" });
    const count = runtime.pythonFunction<[number], null>("functions:count", { lane: "job" });
    const items: unknown[] = [];
    const counting = (async () => {
      for await (const item of count.stream([5])) items.push(item);
    })();
    expect(await tool.call(["model", null])).toEqual({ answer: "yes" });
    await counting;
    expect(items).toEqual([0, 1, 2, 3, 4]);
  }, 30_000);

  it("G3: ends a cancelled job that does not end by itself with all that it started, and nothing else", async () => {
    await using runtime = await startTestRuntime({ size: 1, cancelGraceMs: 300 });
    const [worker] = runtime.workers();
    const hang = runtime.pythonFunction<[string], never>("functions:hang_with_a_child", { lane: "job" });
    const pids = freshPath("pids");
    const controller = new AbortController();
    const outcome = hang.tryCall([pids], { signal: controller.signal });
    await eventually(() => existsSync(pids) && readFileSync(pids, "utf8").includes(" "));
    const started = readFileSync(pids, "utf8").split(" ").map(Number);
    expect(started.every(lives)).toBe(true);

    controller.abort("enough");
    const abortedAt = performance.now();
    expect(await outcome).toMatchObject({ ok: false, error: { code: "ERR_CANCELLED" } });
    expect(performance.now() - abortedAt).toBeLessThan(200);
    await eventually(() => !started.some(lives), 2_000);
    expect(runtime.workers()[0]!.pid).toBe(worker!.pid);
  }, 30_000);

  it("settles a job whatever becomes of its process", async () => {
    const flag = freshPath("flag");
    await using runtime = await startTestRuntime({
      size: 1,
      queueLimit: 1,
      // A process that is forked would be there before anything can become of it.
      zygote: false,
      env: { FAILS_WHEN: flag },
      warmUp: ["functions:FailsLater"],
    });
    const die = runtime.pythonFunction<[number], never>("functions:die", { lane: "job" });
    expect(await die.tryCall([3])).toMatchObject({
      ok: false,
      error: { code: "ERR_WORKER_CRASHED", details: { exitCode: 3 } },
      meta: { attempts: 1 },
    });
    expect(await die.tryCall([3], { idempotent: true, furtherAttempts: 1 })).toMatchObject({
      ok: false,
      error: { code: "ERR_WORKER_CRASHED" },
      meta: { attempts: 2 },
    });
    const say = runtime.pythonFunction<[string, number], number>("functions:say_and_sleep", { lane: "job" });
    const { registry } = runtime.application;
    const processesOfJobs = async (): Promise<number> =>
      (await countChildren(registry.whereis("pool.dspy.jobs")!)).active;
    await eventually(async () => (await processesOfJobs()) === 0);
    const [running, waiting, refused] = [1, 2, 3].map(() => say.tryCall(["x", 0], { timeoutMs: 300 }));
    expect(await refused).toMatchObject({ ok: false, error: { code: "ERR_QUEUE_FULL" } });
    // Neither process was there in time; the job that waited never got one.
    expect(await running).toMatchObject({ ok: false, error: { code: "ERR_DEADLINE_EXCEEDED" } });
    expect(await waiting).toMatchObject({ ok: false, error: { code: "ERR_DEADLINE_EXCEEDED" } });

    // Its supervisor ends while the process starts.
    await eventually(async () => (await processesOfJobs()) === 0);
    const interrupted = say.tryCall(["x", 0]);
    await eventually(async () => (await processesOfJobs()) === 1);
    kill(registry.whereis("pool.dspy.jobs")!);
    expect(await interrupted).toMatchObject({ ok: false, error: { code: "ERR_POOL_RESTARTED" } });

    await eventually(() => registry.whereis("pool.dspy.jobs"));
    writeFileSync(flag, "");
    expect(await say.tryCall(["x", 0])).toMatchObject({
      ok: false,
      error: {
        code: "ERR_WORKER_BOOT",
        message: expect.stringContaining("the model server is gone"),
        details: { stderr: expect.stringContaining('raise ConnectionError("the model server is gone")') },
      },
    });
    // A pool that is there already is not touched by it.
    expect(await runtime.pythonFunction<[], number>("functions:FailsLater").call([])).toBe(
      runtime.workers()[0]!.pid,
    );
  }, 30_000);

  it("lets a job finish when the runtime stops", async () => {
    const runtime = await startTestRuntime({ size: 1 });
    const say = runtime.pythonFunction<[string, number], number>("functions:say_and_sleep", { lane: "job" });
    const job = say.tryCall(["working", 300]);
    await runtime.stop();
    expect(await job).toMatchObject({ ok: true });
  }, 30_000);
});
