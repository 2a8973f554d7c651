import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { DspexError, type PythonFunction, type Runtime, type Tool } from "dspex";
import { eventually } from "../support/eventually.ts";
import { startTestRuntime } from "../support/runtime.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

// One worker that takes one call at a time, on one thread: whatever a call inside of a call needs, it is not there.
describe("tools of the host", () => {
  let runtime: Runtime;
  let descend: PythonFunction<[number], number>;
  let descendAsync: PythonFunction<[number], number>;
  const waiting: { readonly signal: AbortSignal; readonly outcome: Promise<unknown> }[] = [];

  const tools: Readonly<Record<string, Tool>> = {
    descend: ({ depth }, within) => descend.call([depth as number], { within }),
    descend_async: ({ depth }, within) => descendAsync.call([depth as number], { within }),
    failing: () => {
      throw new TypeError("not like this");
    },
    unsendable: () => () => {},
    large: () => "x".repeat(200_000),
    trace: (_args, within) =>
      runtime.pythonFunction<[], string>("functions:traceparent").call([], { within }),
    nothing: () => undefined,
    wait: (_args, within) => {
      const wait = runtime.pythonFunction<[number], number>("functions:wait");
      const outcome = wait.tryCall([60_000], { timeoutMs: 600_000, within });
      waiting.push({ signal: within.signal, outcome });
      return outcome;
    },
  };

  beforeAll(async () => {
    runtime = await startTestRuntime(
      { size: 1, maxInFlight: 1, threads: 1, maxFrameBytes: 100_000 },
      { tools },
    );
    descend = runtime.pythonFunction("functions:descend");
    descendAsync = runtime.pythonFunction("functions:descend_async");
  }, 30_000);
  afterAll(() => runtime.stop());

  it("scenario 36: are called by Python, which they call, which calls them: five deep, on one place, without waiting", async () => {
    expect(await descend.call([5])).toBe(5);
    expect(await descendAsync.call([5])).toBe(5);
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, n) => [descend, descendAsync][n % 2]!.call([5])),
    );
    expect(many).toEqual(Array(20).fill(5));
  }, 30_000);

  it("G4: end a recursion that goes deeper, with one error for all that wait", async () => {
    const outcome = await descend.tryCall([6]);
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: "ERR_CALLS_TOO_DEEP", details: { limit: 5 } },
    });
    expect(await descend.call([1])).toBe(1);
  }, 30_000);

  it.each([
    ["what a tool throws", "failing", "ERR_HOST", "not like this"],
    ["a name that is none", "toString", "ERR_INVALID_OPTION", '"toString"'],
    ["an answer that is no plain data", "unsendable", "ERR_NOT_SERIALIZABLE", "plain data"],
    ["an answer that is too large", "large", "ERR_FRAME_TOO_LARGE", "100000"],
  ])(
    "raise %s in Python",
    async (_what, tool, code, text) => {
      const say = runtime.pythonFunction<[string], unknown>("functions:use_tool_and_say");
      expect(await say.call([tool])).toEqual({ code, message: expect.stringContaining(text) });
    },
    30_000,
  );

  it("that throw a DspexError fail the call with it, where Python lets it through", async () => {
    const use = runtime.pythonFunction<[string, null], unknown>("functions:use_tool");
    const outcome = await use.tryCall(["large", null]);
    if (outcome.ok || !DspexError.is(outcome.error, "ERR_FRAME_TOO_LARGE")) throw new Error("expected it");
    expect(outcome.error.details.limitBytes).toBe(100_000);
  }, 30_000);

  it("may return nothing", async () => {
    const say = runtime.pythonFunction<[string], unknown>("functions:use_tool_and_say");
    expect(await say.call(["nothing"])).toEqual({ value: null });
  }, 30_000);

  it("G2, G3: share the deadline and the end of the call that asked with the calls that they make", async () => {
    const use = runtime.pythonFunction<[string, null], unknown>("functions:use_tool");
    const late = use.tryCall(["wait", null], { timeoutMs: 300 });
    const first = await eventually(() => waiting[0]);
    expect(await late).toMatchObject({ ok: false, error: { code: "ERR_DEADLINE_EXCEEDED" } });
    // Whichever of the two comes first.
    expect(await first.outcome).toMatchObject({
      ok: false,
      error: { code: expect.stringMatching(/^ERR_(DEADLINE_EXCEEDED|CANCELLED)$/) },
    });

    const controller = new AbortController();
    const cancelled = use.tryCall(["wait", null], { signal: controller.signal });
    const second = await eventually(() => waiting[1]);
    controller.abort("enough");
    expect(await cancelled).toMatchObject({ ok: false, error: { code: "ERR_CANCELLED" } });
    expect(await second.outcome).toMatchObject({ ok: false, error: { code: "ERR_CANCELLED" } });
    expect(second.signal.aborted).toBe(true);
    await eventually(() => runtime.workers()[0]?.inFlight === 0);
  }, 30_000);

  it("continue the trace of the call that asked", async () => {
    const own = runtime.pythonFunction<[], string | null>("functions:traceparent");
    const use = runtime.pythonFunction<[string, null], string>("functions:use_tool");
    expect(await own.call([], { traceparent })).toBe(traceparent);
    expect(await own.call([])).toBeNull();
    expect(await use.call(["trace", null], { traceparent })).toBe(traceparent);
    expect(await own.tryCall([], { traceparent: "00-1-2-3" })).toMatchObject({
      ok: false,
      error: { code: "ERR_INVALID_OPTION", details: { option: "traceparent" } },
    });
  }, 30_000);

  it("keep company with classes, of which each worker makes one instance", async () => {
    const count = runtime.pythonFunction<[], number>("functions:Counter");
    expect(await Promise.all([1, 2, 3].map(() => count.call([])))).toEqual([1, 2, 3]);
    expect(await runtime.pythonFunction<[], number>("functions:Counter.peek").call([])).toBe(3);
  }, 30_000);
});

describe("a tool of a runtime that stops", () => {
  it("may still call Python: that is part of the call that is let finish", async () => {
    let go!: () => void;
    const asked = new Promise<void>((isAsked) => {
      go = isAsked;
    });
    let open!: () => void;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const runtime: Runtime = await startTestRuntime(
      { size: 1 },
      {
        tools: {
          later: async (_args, within) => {
            go();
            await opened;
            return runtime.pythonFunction<[number], number>("functions:double").call([21], { within });
          },
        },
      },
    );
    const use = runtime.pythonFunction<[string, unknown], unknown>("functions:use_tool");
    const outcome = use.tryCall(["later", {}]);
    await asked;
    const stopped = runtime.stop();
    expect(await use.tryCall(["later", {}])).toMatchObject({ error: { code: "ERR_POOL_STOPPED" } });
    open();
    expect(await outcome).toMatchObject({ ok: true, value: 42 });
    await stopped;
  }, 30_000);
});
