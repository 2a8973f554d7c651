import path from "node:path";
import { startRuntime } from "dspex";
import { startUvicorn } from "../peers/http-service.ts";
import type { Group } from "../row.ts";
import { deltas, rateOf } from "../deltas.ts";

/** Deltas of one stream through the bridge, beside server-sent events of a FastAPI service. */
export const stream: Group = {
  name: "stream",
  async start() {
    const paths = [path.join(import.meta.dirname, "../python")];
    const runtime = await startRuntime({ pools: { bench: { size: 1, paths } } });
    const service = await startUvicorn("fastapi_app:app", 1);
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
