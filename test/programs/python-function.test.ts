import { describe, expect, it } from "@jest/globals";
import { AttemptBudget, createId, createManualClock, Deadline } from "@dspex/core";
import type { CallRequest, Pool } from "@dspex/pool";
import { createPythonFunction, type ProgramPorts, type PythonFunctionOptions } from "@dspex/programs";
import { createTelemetryBus } from "@dspex/telemetry";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

function functionOf(path: string, options: PythonFunctionOptions = {}) {
  const clock = createManualClock();
  const requests: CallRequest[] = [];
  const pool = {
    name: "dspy",
    call(request: CallRequest) {
      requests.push(request);
      const meta = { worker: "w", attempts: 1, queueMs: 0, info: undefined };
      return Promise.resolve({ ok: true, value: null, meta } as const);
    },
  } as unknown as Pool;
  const ports: ProgramPorts = {
    pools: new Map([["dspy", pool]]),
    clock,
    createId,
    telemetry: createTelemetryBus(clock),
    strategist: { choose: ({ endpoints }) => ({ endpoint: endpoints[0]! }) },
    endpoints: new Set(["default", "cheap"]),
  };
  return { fn: createPythonFunction<[], null>(path, options, ports), requests, clock };
}

describe("a Python function", () => {
  it.each(["m:f", "package.module:name", "m:Class", "package.module:Class.method"])(
    "is named by a path: %s",
    async (path) => {
      const { fn, requests } = functionOf(path);
      await fn.call([]);
      expect(requests[0]).toMatchObject({
        target: { function: path },
        lane: undefined,
        depth: 0,
        context: {},
      });
    },
  );

  it.each(["f", "m:", ":f", "m:f.", "m:.f", "m f", "m:f g", "../m:f"])("refuses the path %j", (path) => {
    expect(() => functionOf(path)).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
  });

  it("runs as a job where it is told to, and nowhere else", async () => {
    const { fn, requests } = functionOf("m:f", { lane: "job" });
    await fn.call([]);
    expect(requests[0]).toMatchObject({ lane: "job" });
    expect(() => functionOf("m:f", { lane: "thread" as never })).toThrow(/one of "call", "job"/);
  });

  it("gives DSPy in it the endpoint and the parameters that it is told, which must exist", async () => {
    const { fn, requests } = functionOf("m:f", { lm: { endpoint: "cheap", temperature: 0.5 } });
    await fn.call([]);
    expect(requests[0]).toMatchObject({ context: { lm: { name: "cheap", config: { temperature: 0.5 } } } });
    expect(() => functionOf("m:f", { lm: { endpoint: "dear" } })).toThrow(/lm\.endpoint.*default, cheap/s);
  });

  it("tells its pool how it is to be dispatched, which must make sense", async () => {
    const { fn, requests } = functionOf("m:f");
    await fn.call([], { affinity: "k", priority: -10, tenant: "t", queueTimeoutMs: 5 });
    await fn.call([], { affinity: { key: "k", mode: "strict_fail_fast" } });
    expect(requests).toMatchObject([
      { affinity: { key: "k", mode: "hint" }, priority: -10, tenant: "t", queueTimeoutMs: 5 },
      {
        affinity: { key: "k", mode: "strict_fail_fast" },
        priority: 0,
        tenant: undefined,
        queueTimeoutMs: undefined,
      },
    ]);
    for (const wrong of [
      { priority: 11 },
      { priority: 0.5 },
      { tenant: "" },
      { queueTimeoutMs: -1 },
      { affinity: { key: "k", mode: "strict" as never } },
    ])
      expect(await fn.tryCall([], wrong)).toMatchObject({
        error: { code: "ERR_INVALID_OPTION", details: { option: Object.keys(wrong)[0] } },
      });
    expect(requests).toHaveLength(2);
  });

  it("continues the trace that it is given, which must be one", async () => {
    const { fn, requests } = functionOf("m:f");
    await fn.call([], { traceparent });
    expect(requests[0]).toMatchObject({ context: { traceparent }, traceparent });
    expect(await fn.tryCall([], { traceparent: "00-XYZ" })).toMatchObject({
      ok: false,
      error: { code: "ERR_INVALID_OPTION", details: { received: "00-XYZ" } },
      meta: { attempts: 0 },
    });
    expect(requests).toHaveLength(1);
  });

  it("G2: called within a call of Python's, is part of that one: its deadline, its attempts, its trace, its end", async () => {
    const { fn, requests, clock } = functionOf("m:f");
    const controller = new AbortController();
    const within = {
      callId: "call-1",
      deadline: new Deadline(clock, 1_000),
      budget: new AttemptBudget(1),
      depth: 2,
      traceparent,
      signal: controller.signal,
    };
    const own = new AbortController();
    await fn.call([], { within });
    await fn.call([], { within, timeoutMs: 100, signal: own.signal });
    const [first, second] = requests;
    expect(first).toMatchObject({ depth: 3, traceparent, context: { depth: 3, traceparent } });
    expect(first!.deadline).toBe(within.deadline);
    expect(first!.budget).toBe(within.budget);
    expect(first!.signal).toBe(controller.signal);
    expect(second!.deadline.atMs).toBe(100);
    expect(second!.signal!.aborted).toBe(false);
    controller.abort();
    expect(second!.signal!.aborted).toBe(true);
  });
});
