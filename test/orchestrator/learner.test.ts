import { createManualClock, type ManualClock } from "@dspex/core";
import {
  createLearner,
  replay,
  type Learner,
  type LearnerEntry,
  type LearnerOptions,
} from "@dspex/orchestrator";
import { createRegistry, kill, startApplication, type Registry } from "@dspex/supervisors";
import { createTelemetryBus, type TelemetryBus, type TelemetryEvent } from "@dspex/telemetry";
import { afterEach, describe, expect, it } from "@jest/globals";
import { simulate } from "./simulation.ts";

interface Stage {
  readonly learner: Learner;
  readonly telemetry: TelemetryBus;
  readonly clock: ManualClock;
  readonly registry: Registry;
  /** Makes a call: what was chosen for it. Its request takes what `ms` says of that endpoint; time passes, and the learner hears of it. */
  readonly call: (callId: string, ms: Readonly<Record<string, number>>) => string;
}

const started: AsyncDisposable[] = [];
afterEach(async () => {
  for (const application of started.splice(0)) await application[Symbol.asyncDispose]();
});

async function stage(options: LearnerOptions = {}): Promise<Stage> {
  const clock = createManualClock();
  const telemetry = createTelemetryBus(clock);
  const registry = createRegistry();
  const { learner, spec } = createLearner(options, { clock, telemetry });
  started.push(await startApplication({ children: [spec], intensity: 10, clock, registry }));
  return {
    learner,
    telemetry,
    clock,
    registry,
    call(callId, ms) {
      const { endpoint } = learner.choose({ callId, operation: "classify", endpoints: Object.keys(ms) });
      const durationMs = ms[endpoint]!;
      clock.advance(durationMs);
      settle(telemetry, callId, endpoint, durationMs);
      clock.advance(2);
      return endpoint;
    },
  };
}

function settle(telemetry: TelemetryBus, callId: string, endpoint: string, durationMs: number): void {
  const common = { callId, endpoint, ok: true, attempts: 1, durationMs };
  telemetry.emit("lm.request.settled", { ...common, inputTokens: 1, outputTokens: 1 });
  telemetry.emit("call.settled", {
    ...common,
    operation: "classify",
    mode: "python",
    pool: "dspy",
    queueMs: 0,
    lmCalls: 1,
    usage: {},
    adapterFallback: false,
  });
}

describe("the learner", () => {
  it("learns from telemetry, moves the calls, and reports the move with its reason", async () => {
    const { learner, telemetry, call } = await stage({ seed: 3 });
    const moved: TelemetryEvent<"learner.moved">[] = [];
    telemetry.on("learner.moved", (event) => moved.push(event));
    for (let n = 0; n < 60; n += 1) call(`before-${n}`, { a: 30, b: 20 });
    expect(moved.map(({ fields: { to } }) => to)).toEqual(["b"]);
    const after = Array.from({ length: 40 }, (_, n) => call(`after-${n}`, { a: 30, b: 200 }));
    expect(after.filter((endpoint) => endpoint === "a").length).toBeGreaterThan(28);
    expect(moved.at(-1)!.fields).toMatchObject({ operation: "classify", from: "b", to: "a" });
    expect(moved.at(-1)!.fields.because).toMatch(
      /^a is the best bet: b: 20 ms median of the last 20 requests.*; a: 30 ms median/,
    );
    expect(learner.insights()).toMatchObject([
      { operation: "classify", endpoint: "a", p50Ms: 30, failureRate: 0 },
      { operation: "classify", endpoint: "b", p50Ms: 20, p95Ms: 200 },
    ]);
  });

  it("explains each of the latest 10,000 calls", async () => {
    const { learner } = await stage();
    for (let n = 0; n <= 10_000; n += 1)
      learner.choose({ callId: `call-${n}`, operation: "draft", endpoints: ["a"] });
    expect(learner.explain("call-0")).toBeUndefined();
    const explanation = {
      operation: "draft",
      chose: "a",
      among: ["a"],
      because: "the only endpoint",
      estimates: [],
    };
    expect(learner.explain("call-10000")).toEqual({ callId: "call-10000", ...explanation });
  });

  it("leaves calls to their first endpoint, and says so, while there is none", async () => {
    const clock = createManualClock();
    const { learner } = createLearner({}, { clock, telemetry: createTelemetryBus(clock) });
    expect(learner.choose({ callId: "1", operation: "draft", endpoints: ["a", "b"] })).toEqual({
      endpoint: "a",
    });
    expect(learner.explain("1")).toMatchObject({
      chose: "a",
      because: "no learner: the first endpoint",
      estimates: [],
    });
    expect(learner.insights()).toEqual([]);
  });

  it("is started again when it is killed: it begins anew behind the same handle, and remembers its explanations", async () => {
    const { learner, registry, call } = await stage();
    for (let n = 0; n < 50; n += 1) call(`before-${n}`, { a: 30, b: 20 });
    const first = registry.whereis("learner")!;
    kill(first);
    await Promise.resolve();
    expect(registry.whereis("learner")).not.toBe(first);
    expect(learner.insights()).toEqual([]);
    const after = Array.from({ length: 60 }, (_, n) => call(`after-${n}`, { a: 30, b: 20 }));
    expect(after.filter((endpoint) => endpoint === "b").length).toBeGreaterThan(30);
    expect(learner.insights().reduce((calls, row) => calls + row.calls, 0)).toBe(60);
    expect(learner.explain("before-49")).toBeDefined();
  });

  it("fails no call when it fails: it is started again, and the default rules meanwhile", async () => {
    const { learner, registry } = await stage();
    const first = registry.whereis("learner")!;
    const endpoints = ["a", "b"];
    Object.defineProperty(endpoints, "map", {
      value: () => {
        throw new Error("broken");
      },
    });
    expect(learner.choose({ callId: "1", operation: "draft", endpoints })).toEqual({ endpoint: "a" });
    await Promise.resolve();
    expect(registry.whereis("learner")).not.toBe(first);
    learner.choose({ callId: "2", operation: "draft", endpoints: ["a", "b"] });
    expect(learner.explain("1")!.because).toMatch(/^no learner/);
    expect(learner.explain("2")!.because).toMatch(/nothing is known yet/);
  });

  it("passes cancelled requests over, and is not disturbed by a log that throws", async () => {
    const { learner, telemetry, clock } = await stage({
      log: () => {
        throw new Error("disk full");
      },
    });
    learner.choose({ callId: "1", operation: "draft", endpoints: ["a", "b"] });
    const request = {
      callId: "1",
      endpoint: "a",
      ok: false,
      attempts: 1,
      durationMs: 9,
      inputTokens: 0,
      outputTokens: 0,
    };
    telemetry.emit("lm.request.settled", { ...request, code: "ERR_CANCELLED" });
    clock.advance(2);
    expect(learner.insights()[0]).toMatchObject({ calls: 1, failureRate: 0 });
    telemetry.emit("lm.request.settled", { ...request, code: "ERR_LM_SERVER" });
    clock.advance(2);
    expect(learner.insights()[0]).toMatchObject({ calls: 1, failureRate: 1 });
  });

  it("refuses a seed that is not a whole number", () => {
    const clock = createManualClock();
    expect(() => createLearner({ seed: 0.5 }, { clock, telemetry: createTelemetryBus(clock) })).toThrow(
      /learner\.seed.*0\.5/,
    );
  });
});

describe("replay", () => {
  it("G12: makes the same decisions again from the log of a run and its seed, over a restart and through JSON", async () => {
    const log: LearnerEntry[] = [];
    const { learner, registry, call } = await stage({ seed: 7, log: (entry) => log.push(entry) });
    const ids = Array.from({ length: 300 }, (_, n) => `call-${n}`);
    for (const [n, id] of ids.entries()) {
      if (n === 150) kill(registry.whereis("learner")!);
      await Promise.resolve();
      call(id, { a: 30, b: n < 80 || n > 200 ? 20 : 200 });
    }
    const made = ids.map((id) => learner.explain(id)!);
    expect(new Set(made.map(({ chose }) => chose))).toEqual(new Set(["a", "b"]));
    expect(log.filter(({ entry }) => entry === "started")).toHaveLength(2);
    expect(replay(JSON.parse(JSON.stringify(log)), 7)).toEqual(made);
    expect(replay(log, 8)).not.toEqual(made);
  });

  it("G12: holds with many calls on their way at a time, some of them overdue", () => {
    const log: LearnerEntry[] = [];
    const b = (atMs: number) => ({ ms: atMs < 150 ? 20 : 300, fails: atMs > 350 });
    const { calls } = simulate({
      endpoints: { a: () => ({ ms: 30 }), b },
      calls: 500,
      concurrency: 32,
      seed: 5,
      record: (entry) => log.push(entry),
    });
    expect(calls.some(({ estimates }) => estimates.some(({ overdue }) => overdue > 0))).toBe(true);
    expect(replay(log, 5).map(({ chose }) => chose)).toEqual(calls.map(({ chose }) => chose));
  });
});
