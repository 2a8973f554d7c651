import { describe, expect, it } from "@jest/globals";
import { createId, createManualClock, DspexError } from "@dspex/core";
import type { CallOutcome, CallRequest, Pool } from "@dspex/pool";
import {
  createProgram,
  createPythonFunction,
  specHash,
  type ProgramPorts,
  type ProgramSpec,
  type StrategyQuestion,
} from "@dspex/programs";
import { signature } from "@dspex/signatures";
import { createTelemetryBus, type TelemetryEvent } from "@dspex/telemetry";

const meta = { worker: "w-1", attempts: 1, queueMs: 2, info: undefined };
const info = {
  lane: "async",
  durationMs: 3,
  lmCalls: 2,
  usage: { inputTokens: 5 },
  adapterFallback: true,
} as const;

/** Ports over a pool that answers with `answer`; what it was asked, and what was recorded. */
function ports(
  answer: (request: CallRequest) => CallOutcome,
  choose?: (question: StrategyQuestion) => string,
) {
  const clock = createManualClock();
  const telemetry = createTelemetryBus(clock);
  const records: TelemetryEvent[] = [];
  telemetry.on("call.settled", (event) => records.push(event));
  const requests: CallRequest[] = [];
  const pool: Pool = {
    name: "dspy",
    ready: () => Promise.resolve(),
    drain: () => Promise.resolve(),
    workers: () => [],
    stacks: () => Promise.resolve(""),
    rollOut: () => Promise.resolve(),
    call(request) {
      requests.push(request);
      return Promise.resolve(answer(request));
    },
  };
  const questions: StrategyQuestion[] = [];
  const strategist = {
    choose(question: StrategyQuestion) {
      questions.push(question);
      return { endpoint: choose?.(question) ?? question.endpoints[0]! };
    },
  };
  const all: ProgramPorts = {
    pools: new Map([["dspy", pool]]),
    clock,
    createId,
    telemetry,
    strategist,
    endpoints: new Set(["default", "a", "b"]),
  };
  return { all, requests, records, questions };
}
const answers = (value: unknown) => (): CallOutcome => ({ ok: true, value, meta: { ...meta, info } });
const qa = signature("question -> answer");

describe("a program's spec", () => {
  it("has one hash for one content, in whatever order it was written", () => {
    const spec: ProgramSpec = { module: "Predict", signature: qa.spec };
    const shuffled = JSON.parse(
      '{"signature":{"outputs":[{"type":{"kind":"str"},"desc":null,"name":"answer"}],"inputs":[{"desc":null,"name":"question","type":{"kind":"str"}}],"instructions":null},"module":"Predict"}',
    ) as ProgramSpec;
    expect(specHash(shuffled)).toBe(specHash(spec));
    expect(specHash(spec)).toMatch(/^[0-9a-f]{32}$/);
    expect(specHash({ ...spec, module: "ChainOfThought" })).not.toBe(specHash(spec));
  });
});

describe("a program", () => {
  it("G10: says how it went, and leaves one record of it", async () => {
    const { all, records } = ports(answers({ answer: "yes" }));
    const outcome = await createProgram(qa, {}, all).tryCall({ question: "?" });
    expect(outcome).toMatchObject({
      ok: true,
      value: { answer: "yes" },
      meta: {
        endpoint: "default",
        worker: "w-1",
        attempts: 1,
        lmCalls: 2,
        usage: { inputTokens: 5 },
        adapterFallback: true,
      },
    });
    expect(records.map(({ fields }) => fields)).toEqual([{ ...outcome.meta, ok: true }]);
  });

  it("checks its input before anything is sent", async () => {
    const { all, requests, records } = ports(answers({}));
    const outcome = await createProgram(qa, {}, all).tryCall({ question: 7 } as unknown as {
      question: string;
    });
    expect(outcome).toMatchObject({ ok: false, error: { code: "ERR_INVALID_INPUT" }, meta: { attempts: 0 } });
    expect(requests).toEqual([]);
    expect(records).toHaveLength(1);
  });

  it("checks what comes back", async () => {
    const { all } = ports(answers({ answer: 7 }));
    await expect(createProgram(qa, {}, all).call({ question: "?" })).rejects.toMatchObject({
      code: "ERR_INVALID_OUTPUT",
    });
  });

  it("throws the pool's error, and records its code", async () => {
    const error = new DspexError("ERR_QUEUE_FULL", "full", { details: { pool: "dspy", limit: 1 } });
    const { all, records } = ports(() => ({ ok: false, error, meta }));
    await expect(createProgram(qa, {}, all).call({ question: "?" })).rejects.toBe(error);
    expect(records[0]?.fields).toMatchObject({ ok: false, code: "ERR_QUEUE_FULL" });
  });

  it("asks the strategist at every call, and asks the endpoint that it chose", async () => {
    const { all, requests, questions } = ports(answers({ answer: "yes" }), () => "b");
    const program = createProgram(qa, { lm: { endpoint: ["a", "b"], temperature: 0 } }, all);
    const outcomes = [await program.tryCall({ question: "1" }), await program.tryCall({ question: "2" })];
    expect(questions.map(({ endpoints }) => endpoints)).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(questions.map(({ callId }) => callId)).toEqual(outcomes.map((outcome) => outcome.meta.callId));
    expect(requests.map(({ context }) => context)).toEqual([
      { lm: { name: "b", config: { temperature: 0 } } },
      { lm: { name: "b", config: { temperature: 0 } } },
    ]);
  });

  it("puts a conversation into an input of its own, under a hash of its own", async () => {
    const { all, requests } = ports(answers({ answer: "yes" }));
    const program = createProgram(qa, {}, all);
    const turns = [{ question: "1", answer: "one" }];
    await program.withHistory(turns).call({ question: "2" });
    expect(requests[0]).toMatchObject({ input: { question: "2", history: { messages: turns } } });
    expect(requests[0]!.target).not.toEqual({ program: program.hash });
  });

  it.each([
    [
      "an unknown module",
      () => createProgram(qa, { module: "Guess" as "Predict" }, ports(answers({})).all),
      '"Guess"',
    ],
    [
      "an unknown endpoint",
      () => createProgram(qa, { lm: { endpoint: "c" } }, ports(answers({})).all),
      '"c"',
    ],
    ["an unknown pool", () => createProgram(qa, { pool: "gpu" }, ports(answers({})).all), '"gpu"'],
    ["no endpoint at all", () => createProgram(qa, { lm: { endpoint: [] } }, ports(answers({})).all), "[]"],
    [
      "a parameter that is no number",
      () => createProgram(qa, { lm: { temperature: Number.NaN } }, ports(answers({})).all),
      "NaN",
    ],
    [
      "a second reasoning",
      () =>
        createProgram(
          signature("q -> reasoning, answer"),
          { module: "ChainOfThought" },
          ports(answers({})).all,
        ),
      '"ChainOfThought"',
    ],
    [
      "a second history",
      () => createProgram(signature("history -> answer"), {}, ports(answers({})).all).withHistory([]),
      "history",
    ],
  ])("rejects %s, naming it", (_what, make, named) => {
    expect(make).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
    expect(make).toThrow(named);
  });

  it.each([
    ["a negative timeout", { timeoutMs: -1 }],
    ["half an attempt", { furtherAttempts: 0.5 }],
  ])("settles a call with %s as a bad option, and sends nothing", async (_what, options) => {
    const { all, requests } = ports(answers({ answer: "yes" }));
    expect(await createProgram(qa, {}, all).tryCall({ question: "?" }, options)).toMatchObject({
      ok: false,
      error: { code: "ERR_INVALID_OPTION" },
    });
    expect(requests).toEqual([]);
  });
});

describe("a Python function", () => {
  it("is not idempotent unless the caller says so, and asks no endpoint", async () => {
    const { all, requests, questions } = ports(answers(4));
    const double = createPythonFunction<[number], number>("m:double", {}, all);
    expect(await double.call([2])).toBe(4);
    await double.call([2], { idempotent: true });
    expect(requests.map(({ idempotent }) => idempotent)).toEqual([false, true]);
    expect(questions).toEqual([]);
  });

  it.each(["double", "m.double", "m:", "m:double; import os", "../m:double"])(
    "rejects the path %s",
    (path) => {
      expect(() => createPythonFunction(path, {}, ports(answers(1)).all)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
      );
    },
  );
});
