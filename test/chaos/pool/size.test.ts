import { readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startRuntime, type Outcome, type Runtime } from "dspex";
import { eventually } from "../../support/eventually.ts";
import { processes } from "../../support/processes.ts";
import { freshPath, startTestRuntime } from "../../support/runtime.ts";
import { scaled } from "../../support/scale.ts";

const fixtures = path.resolve(import.meta.dirname, "../../integration/fixtures");

/** The worker processes of a run. */
const workersOf = (runId: string): number[] =>
  processes()
    .filter((process) => process.runId === runId && process.name === "dspex-worker")
    .map(({ pid }) => pid);

const processesOf = (runId: string): number =>
  processes().filter((process) => process.runId === runId).length;

/** How a test sees at every moment how many worker processes there are. */
function watchProcesses(runtime: Runtime): { most(): number } {
  let alive = 0;
  let most = 0;
  runtime.telemetry.on("pool.worker.spawned", () => (most = Math.max(most, (alive += 1))));
  runtime.telemetry.on("pool.worker.exited", () => (alive -= 1));
  alive = workersOf(runtime.runId).length;
  const sampled = setInterval(() => (most = Math.max(most, workersOf(runtime.runId).length)), 100);
  void runtime.finished.then(() => clearInterval(sampled));
  return { most: () => most };
}

/** Calls without a pause, `width` at a time, until the test has seen what it waits for. */
function load(width: number, call: () => Promise<Outcome<unknown>>) {
  const outcomes: Outcome<unknown>[] = [];
  let over = false;
  const callers = Array.from({ length: width }, async () => {
    while (!over) {
      const outcome = await call();
      outcomes.push(outcome);
      // A refusal takes no time: the event loop has its turn.
      if (!outcome.ok) await new Promise((resolve) => setImmediate(resolve));
    }
  });
  const stop = async (): Promise<readonly Outcome<unknown>[]> => {
    over = true;
    await Promise.all(callers);
    return outcomes;
  };
  return {
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

const failed = (outcomes: readonly Outcome<unknown>[]): string[] =>
  outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.error.message]));

/** The worker of this process is gone, and there are as many as before. */
const replaced = (runtime: Runtime, pid: number, size: number): Promise<boolean> =>
  eventually(() => {
    const workers = runtime.workers();
    return workers.length === size && workers.every((worker) => worker.pid !== pid);
  });

/** A directory with a module `release` of this version; `null`: one that cannot be imported. */
function release(version: number | null): string {
  const file = freshPath("release.py");
  const body =
    version === null
      ? "raise RuntimeError('half a release')"
      : `import asyncio
async def version(ms: float) -> int:
    await asyncio.sleep(ms / 1000)
    return ${version}`;
  writeFileSync(file, `${body}\n`);
  return path.dirname(file);
}

describe("the size of a pool, with real processes", () => {
  it("scenario 1, scenario 8, scenario 13: loses no call to a worker that died idle, and leaves nothing behind, however often it starts", async () => {
    const descriptors: number[] = [];
    for (let round = 0; round < scaled(2); round += 1) {
      const size = Math.min(8, scaled(2));
      const runtime = await startTestRuntime({ size });
      const wait = runtime.pythonFunction<[number], number>("functions:wait");
      await using calls = load(16, () => wait.tryCall([5]));
      await wait.call([100]);
      expect(failed(await calls.stop())).toEqual([]);

      const victim = runtime.workers()[0]!;
      process.kill(victim.pid, "SIGKILL");
      const double = runtime.pythonFunction<[number], number>("functions:double");
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, n) => double.tryCall([n], { idempotent: true })),
      );
      expect(outcomes.map((outcome) => outcome.ok && outcome.value)).toEqual(outcomes.map((_, n) => n * 2));
      await replaced(runtime, victim.pid, size);
      expect(workersOf(runtime.runId)).toHaveLength(size);

      await runtime.stop();
      expect(processesOf(runtime.runId)).toBe(0);
      descriptors.push(readdirSync("/proc/self/fd").length);
    }
    expect(descriptors.slice(1)).toEqual(descriptors.slice(1).map(() => descriptors[0]));
  }, 120_000);

  it("scenario 15: starts so many at a time, skips the starts that have not begun when it is stopped, and leaves nothing", async () => {
    let [spawned, starting, most] = [0, 0, 0];
    const runtime = await startRuntime({
      pools: { dspy: { size: 12, startConcurrency: 2 } },
      subscribe(telemetry) {
        telemetry.on("pool.worker.spawned", () => {
          spawned += 1;
          most = Math.max(most, (starting += 1));
        });
        telemetry.on("pool.worker.ready", () => (starting -= 1));
      },
    });
    await runtime.stop();
    expect(most).toBe(2);
    expect(spawned).toBeLessThanOrEqual(4);
    expect(processesOf(runtime.runId)).toBe(0);
  }, 60_000);

  it("scenario 10: pools have limits of their own, and one whose workers cannot start any more harms no other, and comes back", async () => {
    process.env["DSPEX_TEST_INHERITED"] = "yes";
    const obstacle = freshPath("obstacle");
    await using runtime = await startRuntime({
      pools: {
        healthy: { size: 1, paths: [fixtures], nice: 7, inheritEnv: ["DSPEX_TEST_INHERITED"] },
        broken: {
          size: 1,
          paths: [fixtures],
          warmUp: ["functions:FailsLater"],
          env: { FAILS_WHEN: obstacle },
        },
      },
    });
    const surroundingsOf = (pool: string) =>
      runtime
        .pythonFunction<[string[]], unknown>("functions:surroundings", { pool })
        .call([["DSPEX_TEST_INHERITED"]]);
    expect(await surroundingsOf("healthy")).toEqual({
      nice: 7,
      environment: { DSPEX_TEST_INHERITED: "yes" },
    });
    expect(await surroundingsOf("broken")).toEqual({ nice: 0, environment: { DSPEX_TEST_INHERITED: null } });

    writeFileSync(obstacle, "");
    const victim = runtime.workers().find(({ worker }) => worker.startsWith("broken"))!;
    let failures = 0;
    runtime.telemetry.on("pool.worker.exited", ({ fields }) => {
      if (fields.pool === "broken" && fields.exitCode === 78) failures += 1;
    });
    const wait = runtime.pythonFunction<[number], number>("functions:wait", { pool: "healthy" });
    await using calls = load(8, () => wait.tryCall([1]));
    process.kill(victim.pid, "SIGKILL");
    await eventually(() => failures >= 2);
    expect(failed(await calls.stop())).toEqual([]);
    rmSync(obstacle);
    await eventually(() => runtime.workers().length === 2);
    expect(workersOf(runtime.runId)).toHaveLength(2);
  }, 60_000);

  it("a spare takes the place of a worker that is gone within 5 ms, and another one becomes the spare", async () => {
    await using runtime = await startTestRuntime({ size: 1, spares: 1 });
    let goneAt = 0;
    const takeoversMs: number[] = [];
    runtime.telemetry.on("pool.worker.exited", ({ atMs }) => (goneAt = atMs));
    runtime.telemetry.on("pool.worker.serving", ({ atMs }) => takeoversMs.push(atMs - goneAt));
    const pid = runtime.pythonFunction<[], number>("functions:pid");
    for (let kills = 1; kills <= 3; kills += 1) {
      const [worker, spare] = runtime.workers();
      expect([worker!.spare, spare!.spare]).toEqual([false, true]);
      expect(await pid.call([])).toBe(worker!.pid);
      process.kill(worker!.pid, "SIGKILL");
      await eventually(() => takeoversMs.length === kills);
      expect(await pid.call([])).toBe(spare!.pid);
      await eventually(() => runtime.workers().length === 2);
    }
    expect(takeoversMs.toSorted((a, b) => a - b)[1]).toBeLessThanOrEqual(5);
  }, 60_000);

  it("scenario 30: workers are recycled five times under load: what is in flight finishes, and never is there a process too many", async () => {
    // Every call takes longer than a worker that is to leave would have without it.
    await using runtime = await startTestRuntime({ maxCalls: 20, maxInFlight: 4, drainTimeoutMs: 50 });
    const watched = watchProcesses(runtime);
    const recycled: string[] = [];
    const readyBefore: boolean[] = [];
    runtime.telemetry.on("pool.worker.recycled", ({ fields }) => {
      recycled.push(`${fields.worker} ${fields.reason}`);
      // Whoever takes its place is ready already.
      readyBefore.push(runtime.workers().filter(({ worker }) => worker !== fields.worker).length === 2);
    });
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    await using calls = load(8, () => wait.tryCall([100]));
    await eventually(() => recycled.length >= 5, 90_000);
    const outcomes = await calls.stop();
    expect(failed(outcomes)).toEqual([]);
    expect(outcomes.filter(({ meta }) => meta.attempts !== 1)).toEqual([]);
    // Each in its turn.
    expect(new Set(recycled)).toEqual(new Set([1, 2, 3].map((number) => `dspy.worker-${number} calls`)));
    expect(readyBefore).not.toContain(false);
    expect(watched.most()).toBe(3);
  }, 120_000);

  it("scenario 31: a worker whose Python process has grown is recycled; one that cannot be measured is left alone, and says so", async () => {
    await using runtime = await startTestRuntime({
      heartbeatMs: 50,
      maxMissed: 100,
      maxRssBytes: 300e6,
      drainTimeoutMs: 200,
    });
    const logged: string[] = [];
    const recycled: string[] = [];
    runtime.telemetry.on("pool.worker.log", ({ fields }) => logged.push(fields.text));
    runtime.telemetry.on("pool.worker.recycled", ({ fields }) =>
      recycled.push(`${fields.worker} ${fields.reason}`),
    );
    const nameOf = (pid: unknown): string =>
      runtime.workers().find((worker) => worker.pid === pid)?.worker ?? "a worker that is gone";

    const blind = await runtime.pythonFunction<[], number>("functions:leave_no_descriptor").call([]);
    await eventually(() => logged.some((text) => text.includes("cannot measure the memory")));
    const [blindName, other] = [nameOf(blind), runtime.workers().find(({ pid }) => pid !== blind)!];
    const grow = runtime.pythonFunction<[number], number>("functions:grow");
    const grown = await Promise.all([grow.call([400e6]), grow.call([400e6])]);
    expect(new Set(grown)).toEqual(new Set([blind, other.pid]));
    await eventually(() => recycled.length > 0);
    expect(recycled).toEqual([`${other.worker} memory`]);
    expect(nameOf(blind)).toBe(blindName);
  }, 30_000);

  it("grows when calls wait, and shrinks when workers are idle, without losing a call", async () => {
    await using runtime = await startTestRuntime({
      size: { min: 1, max: 3 },
      maxInFlight: 4,
      scaleDownAfterMs: 300,
    });
    const scaledTo: number[] = [];
    runtime.telemetry.on("pool.scaled", ({ fields }) => scaledTo.push(fields.to));
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    await using calls = load(12, () => wait.tryCall([20]));
    await eventually(() => runtime.workers().length === 3);
    expect(failed(await calls.stop())).toEqual([]);
    await eventually(() => workersOf(runtime.runId).length === 1);
    expect([Math.max(...scaledTo), scaledTo.at(-1)]).toEqual([3, 1]);
    expect(await wait.call([1])).toBe(runtime.workers()[0]!.pid);
  }, 60_000);
});

describe("the roll-out of a pool", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await startTestRuntime({ paths: [release(1)], maxInFlight: 4 });
  }, 30_000);
  afterAll(() => runtime.stop());
  const version = () => runtime.pythonFunction<[number], number>("release:version");

  it("is refused with the boot error when the first new worker does not become ready, and the old ones serve on", async () => {
    const before = runtime.workers().map(({ pid }) => pid);
    const refused: string[] = [];
    runtime.telemetry.on("pool.rollout.refused", ({ fields }) => refused.push(fields.worker));
    await using calls = load(4, () => version().tryCall([5]));
    await expect(
      runtime.rollOut("dspy", { paths: [release(null)], warmUp: ["release:version"] }),
    ).rejects.toMatchObject({
      code: "ERR_WORKER_BOOT",
      details: { stderr: expect.stringContaining("half a release") },
    });
    await eventually(() => workersOf(runtime.runId).length === 2);
    expect(failed(await calls.stop())).toEqual([]);
    expect(runtime.workers().map(({ pid }) => pid)).toEqual(before);
    expect(refused).toEqual(["dspy.worker-3"]);
  }, 30_000);

  it("refuses what is not there and what is no option by name", async () => {
    await expect(runtime.rollOut("other")).rejects.toThrow('runtime\'s pools (dspy); received "other"');
    await expect(runtime.rollOut("dspy", { python: "" })).rejects.toThrow(
      "python must be a non-empty string",
    );
  });

  it("moves it onto new code under load: no call is lost, and afterwards all answers are the new code's", async () => {
    const watched = watchProcesses(runtime);
    await using calls = load(6, () => version().tryCall([5]));
    let completed = 0;
    runtime.telemetry.on("pool.rollout.completed", () => (completed += 1));
    const rollOut = runtime.rollOut("dspy", { paths: [release(2)] });
    await expect(runtime.rollOut("dspy")).rejects.toMatchObject({ code: "ERR_ROLLOUT_IN_PROGRESS" });
    await rollOut;
    expect(completed).toBe(1);
    const after = await Promise.all(Array.from({ length: 20 }, () => version().call([1])));
    expect(new Set(after)).toEqual(new Set([2]));
    const outcomes = await calls.stop();
    expect(failed(outcomes)).toEqual([]);
    expect(new Set(outcomes.map((outcome) => outcome.ok && outcome.value))).toEqual(new Set([1, 2]));
    expect(watched.most()).toBe(3);

    // A worker that crashes afterwards comes back with the new code, too.
    const victim = runtime.workers()[0]!;
    process.kill(victim.pid, "SIGKILL");
    await replaced(runtime, victim.pid, 2);
    expect(await Promise.all([version().call([50]), version().call([50])])).toEqual([2, 2]);
  }, 60_000);

  it("ends with the runtime, typed", async () => {
    const stopped = expect(runtime.rollOut("dspy")).rejects.toMatchObject({ code: "ERR_POOL_STOPPED" });
    await runtime.stop();
    await stopped;
    expect(processesOf(runtime.runId)).toBe(0);
  }, 30_000);
});
