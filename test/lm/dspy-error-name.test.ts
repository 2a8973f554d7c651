import { spawnSync } from "node:child_process";
import { describe, expect, it } from "@jest/globals";
import { DspexError, type ErrorCode } from "@dspex/core";
import { dspyErrorName, type LmErrorCode } from "@dspex/lm";
import { findEnvironment } from "@dspex/python-bridge/environment";

const expected: Readonly<Record<LmErrorCode, string>> = {
  ERR_LM_AUTH: "LMAuthError",
  ERR_LM_BILLING: "LMBillingError",
  ERR_LM_RATE_LIMIT: "LMRateLimitError",
  ERR_LM_TIMEOUT: "LMTimeoutError",
  ERR_LM_SERVER: "LMServerError",
  ERR_LM_TRANSPORT: "LMTransportError",
  ERR_LM_INVALID_REQUEST: "LMInvalidRequestError",
  ERR_LM_CONTEXT_LENGTH: "ContextWindowExceededError",
  ERR_LM_UNSUPPORTED_MODEL: "LMUnsupportedModelError",
  ERR_LM_UNSUPPORTED_FEATURE: "LMUnsupportedFeatureError",
  ERR_LM_NOT_CONFIGURED: "LMNotConfiguredError",
  ERR_LM_INVALID_REPLY: "LMProviderError",
  ERR_LM_ADAPTER: "LMUnexpectedError",
  ERR_LM_ENDPOINT_RESTARTED: "LMTransportError",
};

function errorOf(code: ErrorCode): DspexError {
  return new DspexError(code, "", { details: { endpoint: "e" } as never });
}

describe("the name of DSPy's error", () => {
  it.each(Object.entries(expected) as [LmErrorCode, string][])("for %s is %s", (code, name) => {
    expect(dspyErrorName(errorOf(code))).toBe(name);
  });

  it("for a passed deadline is LMTimeoutError, and for anything else LMUnexpectedError", () => {
    expect(dspyErrorName(errorOf("ERR_DEADLINE_EXCEEDED"))).toBe("LMTimeoutError");
    for (const other of [errorOf("ERR_CANCELLED"), new Error("x"), undefined])
      expect(dspyErrorName(other)).toBe("LMUnexpectedError");
  });

  it("is that of a class that the real DSPy exports, an LMError that takes a message", () => {
    const environment = findEnvironment();
    if (environment === undefined)
      throw new Error("There is no Python environment yet: run `npx dspex setup`.");
    const names = JSON.stringify([...new Set(Object.values(expected))]);
    const code = `import dspy\nfor n in ${names}: assert isinstance(getattr(dspy, n)(message="x", model="m"), dspy.LMError), n`;
    expect(spawnSync(environment.python, ["-c", code], { encoding: "utf8" })).toMatchObject({
      status: 0,
      stderr: "",
    });
  });
});
