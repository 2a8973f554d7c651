import path from "node:path";
import { startRuntime } from "dspex";
import { startFastApi } from "../peers/fastapi.ts";
import type { Group } from "../row.ts";

const deltas = 10_000;

/** Reads a stream to its end: deltas per second. */
async function rateOf(stream: AsyncIterable<unknown>): Promise<number> {
  const startedAt = performance.now();
  let count = 0;
  let last: unknown;
  for await (const item of stream) {
    count += 1;
    last = item;
  }
  const expected = `token ${deltas - 1} `;
  if (count !== deltas || (last as { delta: string }).delta !== expected)
    throw new Error(`A stream is not complete: ${count} items, the last ${JSON.stringify(last)}`);
  return (count * 1_000) / (performance.now() - startedAt);
}

/** Deltas of one stream through the bridge, beside server-sent events of a FastAPI service. */
export const stream: Group = {
  name: "stream",
  async start() {
    const paths = [path.join(import.meta.dirname, "../python")];
    const runtime = await startRuntime({ pools: { bench: { size: 1, paths } } });
    const service = await startFastApi(1);
    const produce = runtime.pythonFunction<[number], unknown>("bench_functions:deltas");
    return {
      rows: [
        {
          name: "deltas of one stream",
          unit: "deltas/s",
          ours: { name: "DSPex", measure: () => rateOf(produce.stream([deltas])) },
          peer: {
            name: "FastAPI, server-sent events",
            measure: () => rateOf(service.events(`/deltas/${deltas}`)),
          },
          bar: { at: "least", ratio: 2 },
        },
      ],
      async stop() {
        await Promise.all([runtime.stop(), service.stop()]);
      },
    };
  },
};
