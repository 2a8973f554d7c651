import path from "node:path";
import { scripted, signature, startRuntime, type Runtime } from "dspex";
import type { Group } from "../row.ts";
import { quantile } from "../statistics.ts";
import { poolLoadRows } from "./pool-load.ts";

const readyMsBar = 25;
const privateMbBar = 15;
const predictions = 500;
/** Workers, so that their supervisor stands as many kills as a row needs. */
const size = 4;

const answer = "[[ ## answer ## ]]\nParis\n\n[[ ## completed ## ]]";
const paths = [path.join(import.meta.dirname, "../python")];

/** What a pool does beside calls: how soon a worker is back, and what one more costs. */
export const pool: Group = {
  name: "pool",
  async start() {
    const lm = { default: scripted(() => answer) };
    const options = { size, paths };
    const forking = await startRuntime({ pools: { bench: options } });
    const spawning = await startRuntime({ pools: { bench: { ...options, zygote: false } } });
    const single = await startRuntime({ pools: { bench: { size: 1, paths } }, lm });
    const predict = single.program(signature("question -> answer"));
    const privateMb = single.pythonFunction<[], number>("bench_functions:private_mb");

    const forked = (): Promise<number> => readyMsAfterCrash(forking, 5);
    return {
      rows: [
        {
          name: "worker ready after a crash, DSPy imported",
          unit: "ms",
          ours: { name: "by zygote", measure: forked },
          bar: { at: "most", ratio: readyMsBar },
        },
        {
          name: "workers ready after crashes, one at a time, DSPy imported",
          unit: "workers/s",
          ours: { name: "by zygote", measure: async () => 1_000 / (await forked()) },
          peer: { name: "spawned", measure: async () => 1_000 / (await readyMsAfterCrash(spawning, 3)) },
          bar: { at: "least", ratio: 15 },
        },
        {
          name: `private memory of one more worker after ${predictions} Predict calls and a full collection`,
          unit: "MB",
          ours: {
            name: "by zygote",
            async measure() {
              await readyMsAfterCrash(single, 1);
              for (let call = 0; call < predictions; call += 1)
                await predict.call({ question: `What is the capital of country ${call}?` });
              return privateMb.call([]);
            },
          },
          bar: { at: "most", ratio: privateMbBar },
        },
        ...poolLoadRows(),
      ],
      async stop() {
        await Promise.all([forking, spawning, single].map((runtime) => runtime.stop()));
      },
    };
  },
};

/** The median of the milliseconds from the kill of a worker until another one is ready in its place. */
async function readyMsAfterCrash(runtime: Runtime, kills: number): Promise<number> {
  const times: number[] = [];
  for (let kill = 0; kill < kills; kill += 1) {
    const [victim] = runtime.workers();
    const ready = new Promise<void>((resolve) => {
      const unsubscribe = runtime.telemetry.on("pool.worker.ready", () => {
        unsubscribe();
        resolve();
      });
    });
    const killedAt = performance.now();
    process.kill(victim!.pid, "SIGKILL");
    await ready;
    times.push(performance.now() - killedAt);
  }
  return quantile(times, 0.5);
}
