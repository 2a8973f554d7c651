import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { Runtime } from "dspex";
import { eventually } from "../../support/eventually.ts";
import { processes } from "../../support/processes.ts";
import { startTestRuntime } from "../../support/runtime.ts";

const [heartbeatMs, maxMissed, maxBusyMs] = [250, 3, 2_000];

/** `1 blocked`, of one worker, in the order in which they happened. */
type Missed = { readonly worker: string; readonly what: string };

function watchMissed(runtime: Runtime): Missed[] {
  const missed: Missed[] = [];
  runtime.telemetry.on("pool.worker.missed", ({ fields }) =>
    missed.push({ worker: fields.worker, what: `${fields.missed} ${fields.verdict}` }),
  );
  return missed;
}

const lives = (pid: number): boolean => processes().some((process) => process.pid === pid);

describe("a worker that does not answer", () => {
  let runtime: Runtime;
  let missed: Missed[];
  beforeAll(async () => {
    runtime = await startTestRuntime({ size: 1, heartbeatMs, maxMissed, maxBusyMs });
    missed = watchMissed(runtime);
  }, 30_000);
  afterAll(() => runtime.stop());
  beforeEach(async () => {
    await eventually(() => runtime.workers().length === 1);
    missed.length = 0;
  });

  /** The last `maxMissed` words on a worker before it was ended. */
  const lastWords = (): string[] => missed.slice(-maxMissed).map(({ what }) => what);

  it("scenarios 27 and 29: is ended after exactly maxMissed when it is stopped, without being continued; another one takes its place", async () => {
    const [worker] = runtime.workers();
    const call = runtime.pythonFunction<[number], number>("functions:wait").tryCall([60_000]);
    await eventually(() => runtime.workers()[0]!.inFlight === 1);
    process.kill(worker!.pid, "SIGSTOP");

    expect(await call).toMatchObject({
      ok: false,
      error: {
        code: "ERR_WORKER_CRASHED",
        message: expect.stringContaining(`answered none of ${maxMissed} pings`),
        details: { reason: "stopped", signal: "SIGKILL", stderr: "" },
      },
    });
    expect(lastWords()).toEqual(["1 stopped", "2 stopped", "3 stopped"]);
    expect(lives(worker!.pid)).toBe(false);
    const [next] = await eventually(() => (runtime.workers().length === 1 ? runtime.workers() : undefined));
    expect(await runtime.pythonFunction<[], number>("functions:pid").call([])).toBe(next!.pid);
  }, 30_000);

  it.each([
    ["sleeps in C with the interpreter's lock held", "hold_the_gil"],
    ["sleeps on its event loop", "block_the_loop"],
  ])(
    "is found under a call without a deadline, which nobody cancels, when it %s; its stacks are in the error",
    async (_what, name) => {
      const call = runtime.pythonFunction<[number], null>(`functions:${name}`).tryCall([60_000]);
      expect(await call).toMatchObject({
        ok: false,
        error: {
          code: "ERR_WORKER_CRASHED",
          message: expect.stringContaining("waited for something"),
          details: { reason: "blocked", stderr: expect.stringContaining(`in ${name}`) },
        },
      });
      expect(lastWords()).toEqual(["1 blocked", "2 blocked", "3 blocked"]);
    },
    30_000,
  );

  it("scenario 27: is spared while it computes, though with the interpreter's lock held, and ended after maxBusyMs", async () => {
    const [worker] = runtime.workers();
    const compute = runtime.pythonFunction<[number], number>("functions:compute_with_the_gil");
    expect(await compute.call([(maxMissed + 2) * heartbeatMs])).toBe(worker!.pid);
    // Where the next call came before the first answer to a ping, the silence of both would be one.
    await new Promise<void>((resolve) => {
      const unsubscribe = runtime.telemetry.on("pool.worker.heartbeat", () => {
        unsubscribe();
        resolve();
      });
    });

    const startedAt = performance.now();
    expect(await compute.tryCall([60_000])).toMatchObject({
      ok: false,
      error: {
        code: "ERR_WORKER_CRASHED",
        message: expect.stringContaining(`computed for ${maxBusyMs} ms`),
        details: { reason: "busy", stderr: expect.stringContaining("in compute_with_the_gil") },
      },
    });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(maxBusyMs);
    expect(missed.at(-1)!.what).toMatch(/ busy$/);
    expect(parseInt(missed.at(-1)!.what, 10)).toBeGreaterThan(maxMissed);
  }, 30_000);

  it("is not judged for the host's own absence", async () => {
    const [worker] = runtime.workers();
    for (const beats of [1.5, 5]) {
      const until = performance.now() + beats * heartbeatMs;
      while (performance.now() < until);
      await new Promise((resolve) => setTimeout(resolve, heartbeatMs / 4));
    }
    expect(missed).toEqual([]);
    expect(await runtime.pythonFunction<[], number>("functions:pid").call([])).toBe(worker!.pid);
  }, 30_000);
});

describe("healthy workers", () => {
  it("scenarios 7 and 27: miss nothing under load, and nothing is cleaned up", async () => {
    await using runtime = await startTestRuntime({ size: 2, heartbeatMs: 500, maxMissed: 1 });
    const missed = watchMissed(runtime);
    const events: string[] = [];
    for (const name of ["pool.worker.spawned", "pool.worker.exited"] as const)
      runtime.telemetry.on(name, () => events.push(name));
    const pids = (): number[] =>
      processes()
        .filter(({ runId }) => runId === runtime.runId)
        .map(({ pid }) => pid);
    const before = pids();
    const double = runtime.pythonFunction<[number], number>("functions:double");
    const until = performance.now() + 2_000;
    for (let n = 0; performance.now() < until; n += 1) {
      await Promise.all(Array.from({ length: 32 }, () => double.call([n])));
      if (n % 50 === 0) expect(pids()).toEqual(before);
    }
    expect([missed, events]).toEqual([[], []]);
    expect(before).toHaveLength(4);
  }, 30_000);

  it("scenario 28: are not watched without a heartbeat, and with patience only counted", async () => {
    const pools = [{ heartbeatMs: Infinity }, { heartbeatMs: 100, maxMissed: 1_000_000 }];
    const started = await Promise.all(pools.map((pool) => startTestRuntime({ size: 1, ...pool })));
    await using runtime = started[0]!;
    await using patient = started[1]!;
    const [unwatched, counted] = [watchMissed(runtime), watchMissed(patient)];
    const block = (owner: Runtime): Promise<null> =>
      owner.pythonFunction<[number], null>("functions:block_the_loop").call([800]);
    await Promise.all([block(runtime), block(patient)]);
    expect(unwatched).toEqual([]);
    expect(counted.length).toBeGreaterThan(3);
    expect(patient.workers()).toHaveLength(1);
  }, 30_000);
});
