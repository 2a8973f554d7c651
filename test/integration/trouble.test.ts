import { existsSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { kill, server } from "@dspex/supervisors";
import { DspexError, scripted, signature, type ChildSpec, type ErrorCode } from "dspex";
import { dspyErrorName } from "@dspex/lm";
import { eventually } from "../support/eventually.ts";
import { freshPath, startTestRuntime } from "../support/runtime.ts";

const reply = "[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]";

describe("a worker in trouble", () => {
  it.each([
    ["blocks the event loop", "block_the_loop", "did not answer a cancelled call within 300 ms"],
    ["holds the interpreter's lock", "hold_the_gil", "did not answer a cancelled call within 300 ms"],
    ["does not leave its thread", "sleep_on_a_thread", "ran on for 300 ms after its end"],
  ])(
    "G3: is ended within the grace time when a late call %s, and its stacks say where",
    async (_what, name, reason) => {
      await using runtime = await startTestRuntime({ size: 1, cancelGraceMs: 300, heartbeatMs: 60_000 });
      const late = runtime.pythonFunction<[number], null>(`functions:${name}`);
      const wait = runtime.pythonFunction<[number], number>("functions:wait");
      const [before] = runtime.workers();
      const beside = [wait.tryCall([1_500]), wait.tryCall([1_500], { idempotent: true })];
      await eventually(() => runtime.workers()[0]?.inFlight === 2);

      expect(await late.tryCall([60_000], { timeoutMs: 200 })).toMatchObject({
        ok: false,
        error: { code: "ERR_DEADLINE_EXCEEDED" },
      });
      const [lost, repeated] = await Promise.all(beside);
      expect(lost).toMatchObject({
        ok: false,
        error: {
          code: "ERR_WORKER_CRASHED",
          message: expect.stringContaining(reason),
          details: { stderr: expect.stringContaining(`in ${name}`) },
        },
      });
      expect(repeated).toMatchObject({ ok: true, meta: { attempts: 2 } });
      expect(runtime.workers()[0]!.pid).not.toBe(before!.pid);
    },
    30_000,
  );

  it("G3: is spared when the thread of a cancelled call ends within the grace time", async () => {
    await using runtime = await startTestRuntime({ size: 1, cancelGraceMs: 500 });
    const sleep = runtime.pythonFunction<[number], null>("functions:sleep_on_a_thread");
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    expect(await sleep.tryCall([250], { timeoutMs: 50 })).toMatchObject({ ok: false });
    // It runs on meanwhile, which can be seen from outside.
    expect(await runtime.stacks(runtime.workers()[0]!.worker)).toMatch(
      /in sleep_on_a_thread\n.*in <module>\n$/s,
    );
    await expect(runtime.stacks("nobody")).rejects.toMatchObject({ code: "ERR_INVALID_OPTION" });
    expect(await wait.tryCall([900])).toMatchObject({ ok: true, value: runtime.workers()[0]!.pid });
  }, 30_000);

  it("that drains of itself gets no further call, and what it refuses was no attempt", async () => {
    await using runtime = await startTestRuntime({ size: 1 });
    const wait = runtime.pythonFunction<[number], number>("functions:wait");
    const [worker] = runtime.workers();
    const [started, cancelled] = [freshPath("started"), freshPath("cancelled")];
    const controller = new AbortController();
    const until = runtime.pythonFunction<[string, string], null>("functions:wait_until_cancelled");
    const running = until.tryCall([started, cancelled], { signal: controller.signal });
    await eventually(() => existsSync(started));
    process.kill(worker!.pid, "SIGTERM");
    // Sent to a worker that is leaving, or left in the pipe of one that has left: none of them ran there.
    const later = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        await new Promise((resolve) => setTimeout(resolve, 5 * n));
        if (n === 10) controller.abort("enough");
        return wait.tryCall([1]);
      }),
    );
    expect(await running).toMatchObject({ ok: false, error: { code: "ERR_CANCELLED" } });
    expect(later.map((outcome) => [outcome.ok, outcome.meta.attempts])).toEqual(later.map(() => [true, 1]));
    expect(later.some((outcome) => outcome.ok && outcome.value !== worker!.pid)).toBe(true);
  }, 30_000);
});

describe("a call on its way to a dispatcher that dies", () => {
  it("G1: settles, though its message reached nobody", async () => {
    let outcome: Promise<unknown> | undefined;
    const spec: ChildSpec = {
      id: "caller",
      name: "caller",
      start: () =>
        server<undefined, { readonly type: "go"; readonly go: () => void }>({
          init: () => undefined,
          // What is sent from inside a delivery waits for its turn; until then its receiver may be gone.
          receive(_state, { go }) {
            go();
            return undefined;
          },
        }),
    };
    await using runtime = await startTestRuntime({ size: 1 }, { children: [spec] });
    const { registry } = runtime.application;
    const double = runtime.pythonFunction<[number], number>("functions:double");
    const go = (): void => {
      outcome = double.tryCall([1], { timeoutMs: 20_000 });
      kill(registry.whereis("pool.dspy.dispatcher")!);
    };
    registry.whereis("caller")!.send({ type: "go", go });
    expect(await outcome).toMatchObject({
      ok: false,
      error: { code: "ERR_POOL_RESTARTED" },
      meta: { attempts: 0 },
    });
    expect(await double.call([21])).toBe(42);
  }, 30_000);
});

describe("what a spec carries", () => {
  it("survives the wire: lone surrogates and large whole numbers", async () => {
    await using runtime = await startTestRuntime({ size: 1 }, { lm: { default: scripted(() => reply) } });
    const odd = signature("n: Literal[5000000000] -> answer", { instructions: "Half a snake: \ud83d" });
    const outcome = await runtime.program(odd).tryCall({ n: 5_000_000_000 });
    expect(outcome).toMatchObject({ ok: true, value: { answer: "yes" }, meta: { attempts: 1 } });
  }, 30_000);
});

describe("an error of an endpoint", () => {
  const codes = [
    "ERR_LM_AUTH",
    "ERR_LM_BILLING",
    "ERR_LM_RATE_LIMIT",
    "ERR_LM_TIMEOUT",
    "ERR_LM_SERVER",
    "ERR_LM_TRANSPORT",
    "ERR_LM_INVALID_REQUEST",
    "ERR_LM_CONTEXT_LENGTH",
    "ERR_LM_UNSUPPORTED_MODEL",
    "ERR_LM_UNSUPPORTED_FEATURE",
    "ERR_LM_NOT_CONFIGURED",
    "ERR_LM_INVALID_REPLY",
  ] as const satisfies readonly ErrorCode[];

  it("reaches the caller through Python as it was, whichever it is", async () => {
    let code: (typeof codes)[number] = codes[0];
    const failing = scripted(() => {
      throw new DspexError(code, `failed with ${code}`, { details: { endpoint: "e", status: 418 } });
    });
    await using runtime = await startTestRuntime({ size: 1 }, { lm: { default: failing } });
    const ask = runtime.program(signature("question -> answer"));
    const got: string[] = [];
    for (code of codes) {
      const outcome = await ask.tryCall({ question: "?" });
      if (outcome.ok) throw new Error("expected a failure");
      got.push(outcome.error.code);
      expect(outcome.error.details).toMatchObject({ status: 418 });
    }
    expect(got).toEqual(codes);
    expect(
      new Set(codes.map((known) => dspyErrorName(new DspexError(known, "", { details: { endpoint: "e" } }))))
        .size,
    ).toBe(codes.length);
  }, 30_000);
});

describe("a program whose replies cannot be parsed", () => {
  it("G10: says what it asked of the model, though it failed", async () => {
    const endpoint = scripted(() => ({
      id: null,
      model: "m",
      message: { role: "assistant", parts: [{ type: "text", text: "no fields here" }] },
      finish_reason: "stop",
      usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 },
    }));
    await using runtime = await startTestRuntime({ size: 1 }, { lm: { default: endpoint } });
    const outcome = await runtime.program(signature("question -> n: int")).tryCall({ question: "?" });
    // DSPy asks a second time through its JSON adapter, and that reply is no better.
    expect(outcome).toMatchObject({
      ok: false,
      error: { code: "ERR_PYTHON" },
      meta: { lmCalls: 2, usage: { inputTokens: 14, outputTokens: 6 }, adapterFallback: true },
    });
  }, 30_000);
});
