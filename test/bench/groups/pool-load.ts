import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { findEnvironment } from "@dspex/python-bridge/environment";
import { scripted, signature, startRuntime, type PoolOptions, type Runtime } from "dspex";
import { rate } from "../load.ts";
import type { Row } from "../row.ts";
import { quantile } from "../statistics.ts";

const inFlight = 64;
const workers = 100;
const queued = { calls: 10_000, inFlight: 2_000, lmMs: 1_000 } as const;
/** How long the throughput is taken under kills, one in the middle of each second, in milliseconds. */
const storm = { windowMs: 3_000, everyMs: 1_000 } as const;

const question = { question: "What is the capital of France?" };
const reply = "[[ ## answer ## ]]\nParis\n\n[[ ## completed ## ]]";

/** Runs `measure` on a runtime of its own, all of whose workers are ready. */
async function on<T>(
  pool: PoolOptions & { readonly size: number },
  latencyMs: number,
  measure: (runtime: Runtime) => Promise<T>,
): Promise<T> {
  await using runtime = await startRuntime({
    pools: { bench: pool },
    lm: { default: scripted(() => reply, { latencyMs }) },
  });
  await allReady(runtime, pool.size + (pool.spares ?? 0));
  return await measure(runtime);
}

async function allReady(runtime: Runtime, count: number): Promise<void> {
  while (runtime.workers().length < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

const predictOf = (runtime: Runtime) => {
  const program = runtime.program(signature("question -> answer"));
  return () => program.call(question, { idempotent: true, timeoutMs: 60_000 });
};

/** From the end of a worker to the spare that takes calls in its place, the median of five, in milliseconds. */
const takeover = (): Promise<number> =>
  on({ size: 1, spares: 1 }, 0, async (runtime) => {
    let goneAtMs = 0;
    const timesMs: number[] = [];
    runtime.telemetry.on("pool.worker.exited", ({ atMs }) => (goneAtMs = atMs));
    runtime.telemetry.on("pool.worker.serving", ({ atMs }) => timesMs.push(atMs - goneAtMs));
    for (let kills = 1; kills <= 5; kills += 1) {
      const [victim] = runtime.workers();
      process.kill(victim!.pid, "SIGKILL");
      while (timesMs.length < kills) await new Promise((resolve) => setTimeout(resolve, 1));
      await allReady(runtime, 2);
    }
    return quantile(timesMs, 0.5);
  });

const throughput = (size: number): Promise<number> =>
  on({ size, maxInFlight: inFlight }, 0, (runtime) => rate(inFlight * size, predictOf(runtime)));

/** Calls per second of two workers, with or without the kills. */
const underKills = (kills: boolean): Promise<number> =>
  on({ size: 2, spares: 1, maxInFlight: inFlight }, 0, async (runtime) => {
    const killing = setInterval(() => {
      const victim = runtime.workers()[0];
      if (kills && victim !== undefined) process.kill(victim.pid, "SIGKILL");
    }, storm.everyMs);
    try {
      return await rate(inFlight * 2, predictOf(runtime), storm.windowMs + storm.everyMs / 2);
    } finally {
      clearInterval(killing);
    }
  });

/** How many times as long as it has to, a queue of calls takes; every one of them must be answered. */
const longQueue = (): Promise<number> => {
  const pool = { size: 2, maxInFlight: queued.inFlight / 2, queueLimit: queued.calls };
  return on(pool, queued.lmMs, async (runtime) => {
    const predict = predictOf(runtime);
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: queued.calls }, predict));
    const idealMs = (queued.calls / queued.inFlight) * queued.lmMs;
    return (performance.now() - startedAt) / idealMs;
  });
};

/** A pool of this size from nothing to all ready, in milliseconds. */
async function allFromNothing(): Promise<number> {
  const startedAt = performance.now();
  return await on({ size: workers, bootTimeoutMs: 120_000 }, 0, () =>
    Promise.resolve(performance.now() - startedAt),
  );
}

/** As many interpreters that import DSPy and end, as many at a time as there are cores, in milliseconds. */
async function spawnsAlone(): Promise<number> {
  const { python } = findEnvironment()!;
  const startedAt = performance.now();
  let left = workers;
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      while (left > 0) {
        left -= 1;
        await once(spawn(python, ["-c", "import dspy"], { stdio: "ignore" }), "close");
      }
    }),
  );
  return performance.now() - startedAt;
}

/** What a pool bears. Every measurement starts a runtime of its own. */
export const poolLoadRows = (): readonly Row[] => [
  {
    name: "a spare takes calls after a worker's end",
    unit: "ms",
    ours: { name: "DSPex", measure: takeover },
    bar: { at: "most", ratio: 5 },
  },
  {
    name: `Predict, ${inFlight} in flight per worker, two workers beside one`,
    unit: "calls/s",
    ours: { name: "two workers", measure: () => throughput(2) },
    peer: { name: "one worker", measure: () => throughput(1) },
    bar: { at: "least", ratio: 1.6 },
  },
  {
    name: "Predict, two workers and a spare, a worker killed every second",
    unit: "calls/s",
    ours: { name: "killed", measure: () => underKills(true) },
    peer: { name: "undisturbed", measure: () => underKills(false) },
    bar: { at: "least", ratio: 0.9 },
  },
  {
    name: `${queued.calls} calls, ${queued.inFlight} in flight, LM of ${queued.lmMs} ms`,
    unit: "× ideal",
    ours: { name: "DSPex", measure: longQueue },
    bar: { at: "most", ratio: 1.3 },
  },
  {
    name: `${workers} workers from nothing to all ready`,
    unit: "ms",
    ours: { name: "DSPex", measure: allFromNothing },
    peer: { name: `${workers} spawns that import DSPy`, measure: spawnsAlone },
  },
];
