import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { findEnvironment } from "@dspex/python-bridge/environment";
import { startRuntime, type Outcome, type PoolOptions, type Runtime } from "dspex";
import { eventually } from "../../support/eventually.ts";
import { freshPath } from "../../support/runtime.ts";

const paths = [path.join(import.meta.dirname, "fixtures")];
const python = findEnvironment()!.python;

interface Span {
  readonly pid: number;
  readonly began: number;
  readonly ended: number;
}

const codes = (outcomes: readonly Outcome<unknown>[]): string[] =>
  outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code));
const count = (codes: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const code of codes) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
};

/** An interpreter that does not start while `flag` is there. */
function moodyPython(flag: string): string {
  const script = freshPath("python");
  writeFileSync(
    script,
    `#!/bin/sh\n[ -e "${flag}" ] && { echo "no interpreter today" >&2; exit 3; }\nexec "${python}" "$@"\n`,
  );
  chmodSync(script, 0o755);
  return script;
}

const functionsOf = (runtime: Runtime, pool: string) => ({
  span: runtime.pythonFunction<[number], Span>("dispatched:span", { pool }),
  leaveTrace: runtime.pythonFunction<[string, number], string>("dispatched:leave_trace", { pool }),
  untilCancelled: runtime.pythonFunction<[string], null>("dispatched:until_cancelled", { pool }),
  countUntilClosed: runtime.pythonFunction<[string], null, number>("dispatched:count_until_closed", { pool }),
  die: runtime.pythonFunction<[string], never>("dispatched:die", { pool }),
  dieOnce: runtime.pythonFunction<[string, string], number>("dispatched:die_once", { pool }),
  compute: runtime.pythonFunction<[number], null>("dispatched:compute", { pool }),
});

describe("dispatching to Python workers", () => {
  const flag = freshPath("broken");
  let runtime: Runtime;

  beforeAll(async () => {
    const pools: Record<string, PoolOptions> = {
      /** One place, and four to wait. */
      narrow: { size: 1, maxInFlight: 1, queueLimit: 4, paths },
      /** Two workers with four places each. */
      wide: { size: 2, maxInFlight: 4, queueLimit: 20_000, paths },
      // Its workers are spawned: those of a zygote are forked from an interpreter that has started.
      broken: { size: 1, python: moodyPython(flag), zygote: false, breakerOpenMs: 300, paths },
    };
    runtime = await startRuntime({ pools });
    await eventually(() => runtime.workers().length === 4, 30_000);
  }, 60_000);
  afterAll(() => runtime.stop());

  it("scenario 16, 33: a broken pool answers at once while a healthy one serves, and is back when its interpreter is", async () => {
    const states: string[] = [];
    runtime.telemetry.on("pool.breaker", ({ fields }) => states.push(fields.state));
    const broken = functionsOf(runtime, "broken").span;
    writeFileSync(flag, "");
    process.kill(runtime.workers().find(({ worker }) => worker.startsWith("broken"))!.pid, "SIGKILL");
    await eventually(() => runtime.workers().length === 3);
    // They wait, because nobody knows yet that it is broken.
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => broken.tryCall([0])));
    expect(codes(outcomes)).toEqual(Array(5).fill("ERR_POOL_UNAVAILABLE"));
    expect(outcomes[0]).toMatchObject({
      error: {
        retryable: true,
        details: { pool: "broken" },
        cause: {
          code: "ERR_WORKER_BOOT",
          details: { stderr: expect.stringContaining("no interpreter today") },
        },
      },
      meta: { attempts: 0 },
    });
    expect(await functionsOf(runtime, "wide").span.tryCall([0])).toMatchObject({ ok: true });

    // Half open, one call may wait; the others are refused meanwhile, and when its caller is gone another one may.
    const waits = async (): Promise<AbortController> => {
      for (;;) {
        const caller = new AbortController();
        let settled = false;
        void broken.tryCall([0], { signal: caller.signal }).then(() => (settled = true));
        await new Promise((resolve) => setImmediate(resolve));
        if (!settled) return caller;
      }
    };
    const first = await waits();
    expect(codes([await broken.tryCall([0])])).toEqual(["ERR_POOL_UNAVAILABLE"]);
    first.abort();
    await waits();
    rmSync(flag);
    await eventually(() => runtime.workers().length === 4, 30_000);
    expect(await broken.tryCall([0])).toMatchObject({ ok: true });
    expect(states[0]).toBe("open");
    expect(states.at(-1)).toBe("closed");
  }, 60_000);

  it("scenario 17: of ten calls at one worker some run, some wait too long, some find no place; who did not run left no trace", async () => {
    const { leaveTrace } = functionsOf(runtime, "narrow");
    const heard = { queued: 0, rejected: [] as string[] };
    const unsubscribe = [
      runtime.telemetry.on("pool.call.queued", () => (heard.queued += 1)),
      runtime.telemetry.on("pool.call.rejected", ({ fields }) => heard.rejected.push(fields.code)),
    ];
    const traces = Array.from({ length: 10 }, (_, n) => freshPath(`${n}`));
    const outcomes = await Promise.all(
      traces.map((trace, n) =>
        leaveTrace.tryCall([trace, 200], n === 3 || n === 4 ? { queueTimeoutMs: 50 } : {}),
      ),
    );
    for (const stop of unsubscribe) stop();
    expect(codes(outcomes)).toEqual([
      ...Array<string>(3).fill("ok"),
      ...Array<string>(2).fill("ERR_QUEUE_TIMEOUT"),
      ...Array<string>(5).fill("ERR_QUEUE_FULL"),
    ]);
    expect(traces.map((trace) => existsSync(trace))).toEqual(outcomes.map(({ ok }) => ok));
    expect(heard.queued).toBe(4);
    expect(count(heard.rejected)).toEqual({ ERR_QUEUE_FULL: 5, ERR_QUEUE_TIMEOUT: 2 });
  }, 30_000);

  it("scenario 18: twenty calls of 500 ms in eight places take at most 1.5 times what they must", async () => {
    const { span } = functionsOf(runtime, "wide");
    const began = performance.now();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => span.tryCall([500])));
    expect(count(codes(outcomes))).toEqual({ ok: 20 });
    expect(performance.now() - began).toBeLessThan(1.5 * 3 * 500);
  }, 30_000);

  it("scenario 19: 10,000 calls that are cancelled at once settle once each, and nothing of them is left", async () => {
    const { span } = functionsOf(runtime, "wide");
    const before = runtime.workers().map(({ pid }) => pid);
    const controllers = Array.from({ length: 10_000 }, () => new AbortController());
    const calls = controllers.map(({ signal }, n) =>
      span.tryCall([60_000], { signal, tenant: `t${n % 50}` }),
    );
    await eventually(() => runtime.workers().filter(({ inFlight }) => inFlight === 4).length === 2);
    for (const controller of controllers) controller.abort("enough");
    expect(count(codes(await Promise.all(calls)))).toEqual({ ERR_CANCELLED: 10_000 });
    await eventually(() => runtime.workers().every(({ inFlight }) => inFlight === 0));
    const waiting: number[] = [];
    const unsubscribe = runtime.telemetry.on("pool.call.queued", ({ fields }) =>
      waiting.push(fields.waiting),
    );
    const after = await Promise.all(Array.from({ length: 9 }, () => span.tryCall([10])));
    unsubscribe();
    expect(count(codes(after))).toEqual({ ok: 9 });
    expect(waiting).toEqual([1]);
    expect(runtime.workers().map(({ pid }) => pid)).toEqual(before);
  }, 30_000);

  it("scenario 20: a caller that is gone is forgotten, waiting, running or reading, and its place is another's", async () => {
    const { leaveTrace, untilCancelled, countUntilClosed, span } = functionsOf(runtime, "narrow");
    const [ran, running, closed] = [freshPath("ran"), freshPath("running"), freshPath("closed")];
    const [queued, started] = [new AbortController(), new AbortController()];
    const first = untilCancelled.tryCall([running], { signal: started.signal });
    const second = leaveTrace.tryCall([ran, 0], { signal: queued.signal });
    await eventually(() => existsSync(running));
    queued.abort("gone");
    started.abort("gone");
    expect(codes(await Promise.all([first, second]))).toEqual(["ERR_CANCELLED", "ERR_CANCELLED"]);
    for await (const n of countUntilClosed.stream([closed])) if (n === 2) break;
    expect((await span.tryCall([1])).ok).toBe(true);
    await eventually(() => existsSync(closed) && readFileSync(running, "utf8") !== "");
    expect(existsSync(ran)).toBe(false);
  }, 30_000);

  it("scenario 21: what waited runs for the rest of its time only, and the next call gets its own answer", async () => {
    const { span, untilCancelled, leaveTrace } = functionsOf(runtime, "narrow");
    const [ranFor, own] = [freshPath("ran-for"), freshPath("own")];
    const holding = span.tryCall([750]);
    const late = untilCancelled.tryCall([ranFor], { timeoutMs: 1_000 });
    expect(codes([await holding, await late])).toEqual(["ok", "ERR_DEADLINE_EXCEEDED"]);
    expect(await leaveTrace.tryCall([own, 0])).toMatchObject({ ok: true, value: own });
    // What is left of its time, and the time in which a cancellation is to arrive (G3).
    expect(Number(readFileSync(ranFor, "utf8"))).toBeLessThan(250 + 200);
  }, 30_000);

  it("scenario 22: a worker runs as many calls at a time as it has places, and the next one waits for the first of them", async () => {
    const { span } = functionsOf(runtime, "wide");
    const key = { affinity: { key: "scenario 22", mode: "strict_queue" } } as const;
    const spans = await Promise.all(Array.from({ length: 5 }, () => span.call([300], key)));
    const four = spans.slice(0, 4);
    expect(new Set(spans.map(({ pid }) => pid)).size).toBe(1);
    const [lastBegan, firstEnded] = [
      Math.max(...four.map((s) => s.began)),
      Math.min(...four.map((s) => s.ended)),
    ];
    expect(lastBegan).toBeLessThan(firstEnded);
    expect(spans[4]!.began).toBeGreaterThanOrEqual(firstEnded);
  }, 30_000);

  it("scenarios 23, 24: a key has one worker; without room a hint moves, strict_queue waits and holds nobody up, strict_fail_fast fails", async () => {
    const { span } = functionsOf(runtime, "wide");
    const with_ = (mode: "hint" | "strict_queue" | "strict_fail_fast") => ({
      affinity: { key: "s-1", mode },
    });
    const ten = [];
    for (let n = 0; n < 10; n += 1) ten.push((await span.tryCall([1], with_("strict_queue"))).meta.worker);
    expect(new Set(ten).size).toBe(1);
    const [home] = ten;

    const four = Array.from({ length: 4 }, () => span.tryCall([500], with_("strict_queue")));
    const waits = span.tryCall([1], with_("strict_queue"));
    const moves = await span.tryCall([1], with_("hint"));
    const fails = await span.tryCall([1], with_("strict_fail_fast"));
    const free = await span.tryCall([1]);
    expect(codes([moves, fails, free])).toEqual(["ok", "ERR_WORKER_BUSY", "ok"]);
    expect([moves.meta.worker, free.meta.worker]).not.toContain(home);
    expect(runtime.workers().find(({ worker }) => worker === home)?.inFlight).toBe(4);
    expect((await waits).meta).toMatchObject({ worker: home, attempts: 1 });
    expect(codes(await Promise.all(four))).toEqual(Array(4).fill("ok"));
  }, 30_000);

  it("scenario 25: what waits for a worker that is killed fails at once, and the key's next call runs elsewhere", async () => {
    const { span } = functionsOf(runtime, "wide");
    const key = { affinity: { key: "s-2", mode: "strict_queue" }, idempotent: true } as const;
    const four = Array.from({ length: 4 }, () => span.tryCall([60_000], key));
    const waiting = [span.tryCall([1], key), span.tryCall([1], key)];
    const home = await eventually(() =>
      runtime.workers().find(({ worker, inFlight }) => worker.startsWith("wide") && inFlight === 4),
    );
    process.kill(home.pid, "SIGKILL");
    expect(codes(await Promise.all(waiting))).toEqual(Array(2).fill("ERR_WORKER_UNAVAILABLE"));
    expect(codes(await Promise.all(four))).toEqual(Array(4).fill("ERR_WORKER_CRASHED"));
    const next = await span.call([1], key);
    expect(next.pid).not.toBe(home.pid);
    await eventually(() => runtime.workers().length === 4);
  }, 30_000);

  it("scenario 32: an idempotent call whose worker dies runs again, once; another one fails with what happened", async () => {
    const { dieOnce } = functionsOf(runtime, "narrow");
    const heard = { retried: 0, exited: [] as (string | null)[], ready: 0 };
    const unsubscribe = [
      runtime.telemetry.on("pool.call.retried", () => (heard.retried += 1)),
      runtime.telemetry.on("pool.worker.exited", ({ fields }) => heard.exited.push(fields.signal)),
      runtime.telemetry.on("pool.worker.ready", () => (heard.ready += 1)),
    ];
    const [again, once] = [freshPath("again"), freshPath("once")];
    expect(await dieOnce.tryCall(["SIGSEGV", again], { idempotent: true })).toMatchObject({
      ok: true,
      meta: { attempts: 2 },
    });
    expect(await dieOnce.tryCall(["SIGKILL", once])).toMatchObject({
      ok: false,
      error: { code: "ERR_WORKER_CRASHED", retryable: true, details: { signal: "SIGKILL" } },
      meta: { attempts: 1 },
    });
    await eventually(() => runtime.workers().length === 4);
    for (const stop of unsubscribe) stop();
    expect(heard).toEqual({ retried: 1, exited: ["SIGSEGV", "SIGKILL"], ready: 2 });
  }, 30_000);

  it("scenario 32: a function that kills its workers is refused, what stands beside it is not", async () => {
    const { die, span, untilCancelled } = functionsOf(runtime, "wide");
    const quarantined: unknown[] = [];
    runtime.telemetry.on("pool.target.quarantined", ({ fields }) => quarantined.push(fields.target));
    const isolated = new Set<string>();
    runtime.telemetry.on("pool.call.isolated", ({ fields }) => isolated.add(fields.target));
    // One worker is full, so that the killer and what stands beside it meet on the other again and again.
    const enough = new AbortController();
    const filling = Array.from({ length: 4 }, () =>
      untilCancelled.tryCall([freshPath("filling")], {
        affinity: { key: "filling", mode: "strict_queue" },
        signal: enough.signal,
      }),
    );
    await eventually(() => runtime.workers().some(({ inFlight }) => inFlight === 4));
    // Slow enough to have answered nothing between two deaths: as suspect as the killer.
    const beside = Array.from({ length: 3 }, () => span.tryCall([1_000], { idempotent: true }));
    await eventually(() => runtime.workers().some(({ inFlight }) => inFlight === 3));
    const killer = await die.tryCall(["SIGSEGV"], { idempotent: true });
    expect(killer).toMatchObject({
      ok: false,
      error: {
        code: "ERR_QUARANTINED",
        details: { target: "dispatched:die", deaths: 3 },
        cause: { code: "ERR_WORKER_CRASHED" },
      },
      meta: { attempts: 3 },
    });
    const exits: string[] = [];
    const unsubscribe = runtime.telemetry.on("pool.worker.exited", ({ fields }) => exits.push(fields.worker));
    expect(await die.tryCall(["SIGSEGV"])).toMatchObject({
      error: { code: "ERR_QUARANTINED" },
      meta: { attempts: 0 },
    });
    expect(count(codes(await Promise.all(beside)))).toEqual({ ok: 3 });
    enough.abort("enough");
    expect(count(codes(await Promise.all(filling)))).toEqual({ ERR_CANCELLED: 4 });
    unsubscribe();
    expect(quarantined).toEqual(["dispatched:die"]);
    expect(isolated).toEqual(new Set(["dispatched:span", "dispatched:die"]));
    expect(exits.filter((worker) => !worker.includes("job"))).toEqual([]);
    expect((await span.tryCall([1])).ok).toBe(true);
  }, 30_000);
});

describe("the limit of a worker", () => {
  it("falls under calls that compute, to no less than its least, and stays under calls that wait", async () => {
    await using runtime = await startRuntime({
      // Many beats to look at, of which any number may be missed.
      pools: { p: { size: 1, maxInFlight: 32, minInFlight: 8, heartbeatMs: 100, maxMissed: 1_000, paths } },
    });
    const limits: number[] = [];
    runtime.telemetry.on("pool.worker.limit", ({ fields }) => limits.push(fields.limit));
    const { compute, span } = functionsOf(runtime, "p");
    const waiting = await Promise.all(Array.from({ length: 64 }, () => span.tryCall([300])));
    expect(count(codes(waiting))).toEqual({ ok: 64 });
    expect(limits).toEqual([]);
    while (!limits.includes(8)) {
      const computing = await Promise.all(Array.from({ length: 48 }, () => compute.tryCall([10])));
      expect(count(codes(computing))).toEqual({ ok: 48 });
    }
    expect(Math.min(...limits)).toBe(8);
  }, 30_000);
});
