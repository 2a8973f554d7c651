import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { startRuntime } from "dspex";
import { arrayRows } from "../arrays.ts";
import { deltas, rateOf } from "../deltas.ts";
import { rate, serialP50 } from "../load.ts";
import { documents, manyPayloads, payload } from "../payload.ts";
import { startGrpc } from "../peers/grpc.ts";
import { startAiohttp, startAsgi } from "../peers/http.ts";
import { startUvicorn } from "../peers/http-service.ts";
import { startJsonLines } from "../peers/json-lines.ts";
import type { Peer } from "../peers/peer.ts";
import { startPipe } from "../peers/pipe.ts";
import { startZeroMq } from "../peers/zeromq.ts";
import type { Group, Row } from "../row.ts";
import type { Bar } from "../statistics.ts";

const inFlight = 64;

const least = (ratio: number): Bar => ({ at: "least", ratio });
const most = (ratio: number): Bar => ({ at: "most", ratio });

/** A value through the whole runtime to a Python function and back, beside other ways to have a Python process echo it. */
export const bridge: Group = {
  name: "bridge",
  async start() {
    const paths = [path.join(import.meta.dirname, "../python")];
    const runtime = await startRuntime({ pools: { bench: { size: 1, maxInFlight: inFlight, paths } } });
    const echo = runtime.pythonFunction<[unknown], unknown>("dspex_bridge.builtins:echo_async");
    const produce = runtime.pythonFunction<[number], unknown>("bench_functions:deltas");
    const ours: Peer = {
      name: "DSPex",
      call: (value) => echo.call([value]),
      stop: () => runtime.stop(),
    };
    const service = await startUvicorn("fastapi_app:app", inFlight);
    const fastApi: Peer = {
      name: "FastAPI",
      call: (value) => service.post("/echo", value),
      stop: () => service.stop(),
    };
    const pipe = await startPipe();
    const jsonLines = await startJsonLines();
    const asgi = await startAsgi(inFlight);
    const zeroMq = await startZeroMq();
    const aiohttp = await startAiohttp(inFlight);
    const grpc = await startGrpc();
    const all = [ours, fastApi, pipe, jsonLines, asgi, zeroMq, aiohttp, grpc];
    for (const { name, call } of all)
      for (const value of [payload, manyPayloads, documents])
        if (!isDeepStrictEqual(await call(value), value)) throw new Error(`${name} does not echo.`);

    const many = (peer: Peer, bar?: Bar, value: unknown = payload, what = "1 KB"): Row => ({
      name: `echo, ${what}, 64 in flight`,
      unit: "calls/s",
      ours: { name: ours.name, measure: () => rate(inFlight, () => ours.call(value)) },
      peer: { name: peer.name, measure: () => rate(inFlight, () => peer.call(value)) },
      ...(bar === undefined ? {} : { bar }),
    });
    const serial = (peer: Peer, bar: Bar): Row => ({
      name: "echo, 1 KB, one at a time, p50",
      unit: "ms",
      ours: { name: ours.name, measure: () => serialP50(500, () => ours.call(payload)) },
      peer: { name: peer.name, measure: () => serialP50(500, () => peer.call(payload)) },
      bar,
    });
    const streamed = {
      name: "pieces of one stream",
      unit: "pieces/s",
      ours: { name: ours.name, measure: () => rateOf(produce.stream([deltas])) },
    };
    return {
      rows: [
        many(pipe, least(0.35)),
        many(asgi, least(1.5)),
        many(fastApi, least(5)),
        many(grpc, least(6)),
        many(jsonLines),
        many(zeroMq),
        many(aiohttp),
        many(jsonLines, least(1.1), manyPayloads, "10 KB in twelve dictionaries"),
        many(jsonLines, least(1.1), documents, "10 KB of documents"),
        serial(pipe, most(1.6)),
        serial(fastApi, most(0.6)),
        { ...streamed, bar: least(100_000) },
        {
          ...streamed,
          peer: {
            name: "FastAPI, server-sent events",
            measure: () => rateOf(service.events(`/deltas/${deltas}`)),
          },
          bar: least(3),
        },
        ...arrayRows(runtime),
      ],
      async stop() {
        await Promise.all(all.map((peer) => peer.stop()));
      },
    };
  },
};
