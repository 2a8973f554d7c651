import { existsSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { DspexError, type Outcome } from "dspex";
import { eventually } from "../support/eventually.ts";
import { freshPath, startTestRuntime } from "../support/runtime.ts";

const codes = (outcomes: readonly Outcome<unknown>[]): string[] =>
  outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code));

describe("a pool of Python workers", () => {
  it("G5: a killed worker costs its calls in flight and nothing else, and its capacity is back without help", async () => {
    await using runtime = await startTestRuntime();
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    const calls = Array.from({ length: 10 }, () => wait.tryCall([400]));
    const victim = await eventually(() => runtime.workers().find(({ inFlight }) => inFlight === 5));
    process.kill(victim.pid, "SIGKILL");

    const outcomes = await Promise.all(calls);
    expect(codes(outcomes).sort()).toEqual([
      ...Array<string>(5).fill("ERR_WORKER_CRASHED"),
      ...Array<string>(5).fill("ok"),
    ]);
    expect(outcomes.filter(({ ok }) => !ok).map(({ meta }) => meta.worker)).toEqual(
      Array(5).fill(victim.worker),
    );
    await eventually(() => runtime.workers().length === 2);
    expect(await wait.call([1])).not.toBe(victim.pid);
  }, 30_000);

  it("G1, G2, G5: idempotent calls of a killed worker run again elsewhere, once each, and say so", async () => {
    await using runtime = await startTestRuntime();
    const retried: string[] = [];
    runtime.telemetry.on("pool.call.retried", ({ fields }) => retried.push(fields.callId));
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    const calls = Array.from({ length: 8 }, () => wait.tryCall([300], { idempotent: true }));
    const victim = await eventually(() => runtime.workers().find(({ inFlight }) => inFlight === 4));
    process.kill(victim.pid, "SIGKILL");

    const outcomes = await Promise.all(calls);
    expect(codes(outcomes)).toEqual(Array(8).fill("ok"));
    const twice = outcomes.filter(({ meta }) => meta.attempts === 2);
    expect(twice.map(({ meta }) => meta.callId).sort()).toEqual(retried.sort());
    expect(twice).toHaveLength(4);
  }, 30_000);

  it("G2: a call that kills every worker it is given to stops at its attempt budget", async () => {
    await using runtime = await startTestRuntime();
    const die = runtime.pythonFunction<[number], never>("functions:die");
    const outcome = await die.tryCall([3], { idempotent: true, furtherAttempts: 1 });
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: "ERR_WORKER_CRASHED", details: { exitCode: 3 } },
      meta: { attempts: 2 },
    });
  }, 30_000);

  it("G5: the death of an idle worker is seen before a call is given to it", async () => {
    await using runtime = await startTestRuntime();
    const [victim] = runtime.workers();
    process.kill(victim!.pid, "SIGKILL");
    await eventually(() => runtime.workers().length === 1);
    const double = runtime.pythonFunction<[number], number>("functions:double");
    const values = await Promise.all(Array.from({ length: 100 }, (_, n) => double.call([n])));
    expect(values).toEqual(values.map((_, n) => n * 2));
  }, 30_000);

  it("G2: a call whose deadline passes in the queue never runs in Python", async () => {
    await using runtime = await startTestRuntime({ size: 1, maxInFlight: 1 });
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    const touch = runtime.pythonFunction<[string, number], string>("functions:touch_after");
    const blocking = wait.call([300]);
    const trace = freshPath("ran");
    const outcome = await touch.tryCall([trace, 0], { timeoutMs: 50 });
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: "ERR_DEADLINE_EXCEEDED", details: { where: "waiting for a worker" } },
    });
    await blocking;
    await wait.call([1]);
    expect(existsSync(trace)).toBe(false);
  }, 30_000);

  it("G3: aborting reaches the running Python task within 200 ms", async () => {
    await using runtime = await startTestRuntime({ size: 1 });
    const [started, cancelled] = [freshPath("started"), freshPath("cancelled")];
    const controller = new AbortController();
    const wait = runtime.pythonFunction<[string, string], null>("functions:wait_until_cancelled");
    const call = wait.tryCall([started, cancelled], { signal: controller.signal });
    await eventually(() => existsSync(started));
    controller.abort("enough");
    const abortedAt = performance.now();
    expect(await call).toMatchObject({ ok: false, error: { code: "ERR_CANCELLED", cause: "enough" } });
    await eventually(() => existsSync(cancelled));
    expect(performance.now() - abortedAt).toBeLessThan(200);
    await eventually(() => runtime.workers()[0]?.inFlight === 0);
  }, 30_000);

  it("G4: a full queue refuses at once, and loses nothing that it has taken", async () => {
    await using runtime = await startTestRuntime({ size: 1, maxInFlight: 1, queueLimit: 2 });
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => wait.tryCall([50])));
    expect(codes(outcomes)).toEqual(["ok", "ok", "ok", "ERR_QUEUE_FULL", "ERR_QUEUE_FULL"]);
  }, 30_000);

  it("brings a Python exception with its type, message, traceback and cause", async () => {
    await using runtime = await startTestRuntime({ size: 1 });
    const outcome = await runtime
      .pythonFunction<[string], never>("functions:fail")
      .tryCall(["no such order"]);
    if (outcome.ok || !DspexError.is(outcome.error, "ERR_PYTHON")) throw new Error("expected a Python error");
    expect(outcome.error.message).toBe("ValueError: no such order");
    expect(outcome.error.details.traceback).toMatch(/functions\.py", line \d+, in fail/);
    expect(outcome.error.details.pythonCause).toMatchObject({
      type: expect.stringContaining("KeyError"),
      message: "'inner'",
    });
  }, 30_000);

  it.each([
    ["a module that does not exist", "no_such_module:f"],
    ["a name that does not exist", "functions:no_such_function"],
  ])(
    "refuses %s by name",
    async (_what, path) => {
      await using runtime = await startTestRuntime({ size: 1 });
      const outcome = await runtime.pythonFunction<[], never>(path).tryCall([]);
      expect(outcome).toMatchObject({
        ok: false,
        error: { code: "ERR_CALL_REFUSED", details: { reason: "invalid_target" } },
      });
      expect(!outcome.ok && outcome.error.message).toContain(path.split(":")[path.startsWith("no") ? 0 : 1]);
    },
    30_000,
  );

  it("reports a value that is too large for the wire, in either direction, and goes on", async () => {
    await using runtime = await startTestRuntime({ size: 1, maxFrameBytes: 100_000 });
    const big = runtime.pythonFunction<[number | string], string>("functions:big");
    expect(codes([await big.tryCall(["x".repeat(200_000)])])).toEqual(["ERR_FRAME_TOO_LARGE"]);
    expect(await big.tryCall([200_000])).toMatchObject({
      ok: false,
      error: { details: { reason: "result_too_large" } },
    });
    expect(await big.call([10])).toBe("x".repeat(10));
  }, 30_000);

  it("stops in order: calls in flight finish, later ones are refused, and a second stop waits for the first", async () => {
    const runtime = await startTestRuntime({ size: 1 });
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    const inFlight = wait.tryCall([300]);
    const stops = [runtime.stop(), runtime.stop()];
    expect(codes([await wait.tryCall([1])])).toEqual(["ERR_POOL_STOPPED"]);
    expect(codes([await inFlight])).toEqual(["ok"]);
    await Promise.all(stops);
    expect(runtime.workers()).toEqual([]);
  }, 30_000);

  it("lives twice in one process, each with workers of its own", async () => {
    await using one = await startTestRuntime({ size: 1 });
    await using two = await startTestRuntime({ size: 1 });
    const pids = await Promise.all(
      [one, two].map((runtime) => runtime.pythonFunction<[], number>("functions:pid").call([])),
    );
    expect(pids).toEqual([one.workers()[0]!.pid, two.workers()[0]!.pid]);
    await one.stop();
    expect(await two.pythonFunction<[number], number>("functions:double").call([21])).toBe(42);
  }, 30_000);
});
