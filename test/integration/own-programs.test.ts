import { describe, expect, it } from "@jest/globals";
import { scripted } from "dspex";
import { startTestRuntime } from "../support/runtime.ts";

describe("a DSPy program of the user's own, in a Python function", () => {
  it("asks the endpoint that the function names, with its parameters, and none without one", async () => {
    const asked: unknown[] = [];
    const reply = "[[ ## answer ## ]]\nParis\n\n[[ ## completed ## ]]";
    const model = scripted((request) => {
      asked.push(request.config?.["temperature"]);
      return reply;
    });
    await using runtime = await startTestRuntime({ size: 1 }, { lm: { cheap: model } });
    const lm = { endpoint: "cheap", temperature: 0.25 };
    const ask = runtime.pythonFunction<[question: string], string>("functions:ask", { lm });
    expect(await ask.tryCall(["What is the capital of France?"])).toMatchObject({
      value: "Paris",
      meta: { endpoint: "cheap", lmCalls: 1 },
    });
    expect(asked).toEqual([0.25]);

    const alone = runtime.pythonFunction<[question: string], string>("functions:ask");
    await expect(alone.call(["?"])).rejects.toThrow(/No LM is loaded/);
  }, 30_000);
});
