import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Runtime } from "dspex";
import type { Row } from "./row.ts";

/** 64 MB of float32. */
const elements = 16_000_000;
const bytes = elements * Float32Array.BYTES_PER_ELEMENT;

/** Large arrays each way through a call, and what the event loop has of its time meanwhile. */
export function arrayRows(runtime: Runtime): readonly Row[] {
  const take = runtime.pythonFunction<[Float32Array], [number, number]>("bench_functions:take_array");
  const give = runtime.pythonFunction<[number], { readonly data: Float32Array }>(
    "bench_functions:give_array",
  );
  const array = new Float32Array(elements);
  array[elements - 1] = 0.5;

  const toPython = async (): Promise<void> => {
    const [length, last] = await take.call([array]);
    if (length !== elements || last !== 0.5)
      throw new Error(`Python got ${length} elements, the last ${last}.`);
  };
  const toNode = async (): Promise<void> => {
    const { data } = await give.call([elements]);
    if (data.length !== elements || data[elements - 1] !== 0.5)
      throw new Error(`Node got ${data.length} elements, the last ${data[elements - 1]}.`);
  };
  const gigabytesPerSecond = async (transfer: () => Promise<void>): Promise<number> => {
    const startedAt = performance.now();
    await transfer();
    return bytes / 1e6 / (performance.now() - startedAt);
  };
  const loopDelayMs = async (): Promise<number> => {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    for (let round = 0; round < 4; round += 1) {
      await toPython();
      await toNode();
    }
    delay.disable();
    return delay.percentile(99) / 1e6;
  };
  return [
    {
      name: "64 MB float32 array to Python",
      unit: "GB/s",
      ours: { name: "DSPex", measure: () => gigabytesPerSecond(toPython) },
      bar: { at: "least", ratio: 1 },
    },
    {
      name: "64 MB float32 array to Node",
      unit: "GB/s",
      ours: { name: "DSPex", measure: () => gigabytesPerSecond(toNode) },
      bar: { at: "least", ratio: 0.6 },
    },
    {
      name: "event loop delay while they go, p99",
      unit: "ms",
      ours: { name: "DSPex", measure: loopDelayMs },
      bar: { at: "most", ratio: 20 },
    },
  ];
}
