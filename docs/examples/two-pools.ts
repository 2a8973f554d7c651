// Two pools with limits of their own: one answers people, the other works through the rest and stands back.
import path from "node:path";
import { startRuntime } from "dspex";

const paths = [path.join(import.meta.dirname, "python")];
await using runtime = await startRuntime({
  pools: {
    // A spare is ready to take the place of a worker that dies; long-lived workers are replaced before they grow old.
    people: { size: 1, spares: 1, maxAgeMs: 3_600_000, paths },
    // It grows while calls wait, gives the processor to others, and takes a fresh worker when memory is not given back.
    batch: {
      size: { min: 1, max: 2 },
      nice: 10,
      maxInFlight: 2,
      maxRssBytes: 2e9,
      env: { OMP_NUM_THREADS: "2" },
      inheritEnv: ["HF_HOME"],
      paths,
    },
  },
});

// A program or function says where it runs; the first pool is the default.
const words = runtime.pythonFunction<[text: string, n: number], [string, number][]>("text_tools:most_common");
const patient = runtime.pythonFunction<[seconds: number], string>("text_tools:patient", { pool: "batch" });

const grown = new Promise<number>((resolve) => {
  runtime.telemetry.on("pool.scaled", ({ fields }) => resolve(fields.to));
});
const batch = Promise.all(Array.from({ length: 8 }, () => patient.call([0.4])));
console.log(await words.call(["to be or not to be", 1]));
console.log("the batch pool has grown to", await grown);
console.log((await batch).length, "pieces of work", (await batch)[0]);
