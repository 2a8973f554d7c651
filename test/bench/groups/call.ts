import { isDeepStrictEqual } from "node:util";
import { startRuntime } from "dspex";
import { rate, serialP50 } from "../load.ts";
import { payload } from "../payload.ts";
import { startUvicorn } from "../peers/http-service.ts";
import type { Group } from "../row.ts";

const inFlight = 64;

/** A no-op call: through runtime, pool and Python and back, beside a FastAPI service. */
export const call: Group = {
  name: "call",
  async start() {
    const runtime = await startRuntime({ pools: { bench: { size: 1, maxInFlight: inFlight } } });
    const service = await startUvicorn("fastapi_app:app", inFlight);
    const echo = runtime.pythonFunction<[unknown], unknown>("dspex_bridge.builtins:echo_async");
    const ours = () => echo.call([payload]);
    const theirs = () => service.post("/echo", payload);
    for (const answer of [await ours(), await theirs()])
      if (!isDeepStrictEqual(answer, payload))
        throw new Error(`A contender does not echo: ${JSON.stringify(answer)}`);
    return {
      rows: [
        {
          name: "no-op call, 1 KB, 64 in flight",
          unit: "calls/s",
          ours: { name: "DSPex", measure: () => rate(inFlight, ours) },
          peer: { name: "FastAPI + uvicorn", measure: () => rate(inFlight, theirs) },
          bar: { at: "least", ratio: 2 },
        },
        {
          name: "no-op call, 1 KB, one at a time, p50",
          unit: "ms",
          ours: { name: "DSPex", measure: () => serialP50(500, ours) },
          peer: { name: "FastAPI + uvicorn", measure: () => serialP50(500, theirs) },
        },
      ],
      async stop() {
        await Promise.all([runtime.stop(), service.stop()]);
      },
    };
  },
};
