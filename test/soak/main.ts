// `npm run soak -- --minutes 10`: all kinds of calls at 70 % of what the machine can do, while a worker is killed every second.
// Exit 1 when a call ended in a way that no kill explains.
import { readdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { DspexError, startRuntime } from "dspex";
import { seededRandom } from "@dspex/core";
import { slopePerMinute, type Sample } from "./slope.ts";
import { model, tasksOf, type Failure } from "./work.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error("Usage: npm run soak -- [--minutes <number>] [--seed <integer>]");
  process.exit(2);
}
console.log(`soak: ${minutes} minutes, seed ${seed}`);

const load = 0.7;
const killEveryMs = 1_000;
/** How long the end of a process may go unnoticed. */
const unnoticedMs = 200;
const sampleEveryMs = 1_000;
const measuredMs = 3_000;

const random = seededRandom(seed);
const runtime = await startRuntime({
  lm: { default: model },
  pools: { soak: { size: 2, paths: [path.join(import.meta.dirname, "python")] } },
  tools: { double: ({ number }) => 2 * Number(number) },
});
/** When each worker was last killed. */
const killedAt = new Map<string, number>();
const tasks = tasksOf(runtime);
let calls = 0;
const unexplained: string[] = [];

/** The right value, or the loss with a worker that was killed while the call was on its way, or so shortly before that nobody knew. */
const isExplained = (failure: Failure, madeAt: number): boolean =>
  failure === undefined ||
  (DspexError.is(failure, "ERR_WORKER_CRASHED") &&
    (killedAt.get(failure.details.worker) ?? -Infinity) >= madeAt - unnoticedMs);
const runOne = async (): Promise<void> => {
  const number = (calls += 1);
  const madeAt = performance.now();
  const failure = await tasks[Math.floor(random() * tasks.length)]!(number);
  if (!isExplained(failure, madeAt)) unexplained.push(`call ${number}: ${String(failure)}`);
};

// What the machine can do: 64 at a time for a while.
const ratePerMs = await (async () => {
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (performance.now() < startedAt + measuredMs) await runOne();
    }),
  );
  return calls / (performance.now() - startedAt);
})();
console.log(
  `soak: ${Math.round(ratePerMs * 1_000)} calls/s are possible, ${Math.round(ratePerMs * load * 1_000)} are offered`,
);

const startedAt = performance.now();
const endAt = startedAt + minutes * 60_000;
const samples = { fds: [] as Sample[], timers: [] as Sample[], rss: [] as Sample[] };
const sample = (): void => {
  globalThis.gc?.();
  const atMs = performance.now();
  samples.fds.push({ atMs, value: readdirSync("/proc/self/fd").length });
  samples.timers.push({
    atMs,
    value: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
  });
  samples.rss.push({ atMs, value: process.memoryUsage.rss() / 1e6 });
};
const sampling = setInterval(sample, sampleEveryMs);
const killing = setInterval(() => {
  const workers = runtime.workers();
  const victim = workers[Math.floor(random() * workers.length)];
  if (victim === undefined) return;
  killedAt.set(victim.worker, performance.now());
  process.kill(victim.pid, "SIGKILL");
}, killEveryMs);

// Offered, not asked for: a call is made when its time has come, whether or not those before it are answered.
const open = new Set<Promise<void>>();
let offered = 0;
while (performance.now() < endAt) {
  for (const due = (performance.now() - startedAt) * ratePerMs * load; offered < due; offered += 1) {
    const call = runOne();
    open.add(call);
    void call.then(() => open.delete(call));
  }
  await pause(1);
}
clearInterval(killing);
clearInterval(sampling);
await Promise.all(open);
await runtime.stop();

for (const line of unexplained.slice(0, 20)) console.log(`unexplained: ${line}`);
const slope = (of: keyof typeof samples, digits: number): string => {
  // What grows until everything has been used once is no leak.
  const value = slopePerMinute(samples[of].slice(samples[of].length >> 2));
  return `${value < 0 ? "" : "+"}${value.toFixed(digits)}`;
};
console.log(
  `soak: ${calls} calls, ${calls - unexplained.length} explained, ${unexplained.length} unexplained; per minute: ` +
    `fds ${slope("fds", 1)}, timers ${slope("timers", 1)}, rss ${slope("rss", 1)} MB`,
);
process.exit(unexplained.length === 0 ? 0 : 1);
