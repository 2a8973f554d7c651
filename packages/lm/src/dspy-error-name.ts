import { DspexError, type ErrorCode } from "@dspex/core";
import type { LmErrorCode } from "./errors.ts";

/**
 * DSPy's classes (`dspy/utils/exceptions.py`). They decide what its modules do next: ReAct shortens its history on
 * `ContextWindowExceededError`, and no LM error is mistaken for a reply that could not be parsed.
 */
const names: Readonly<Record<LmErrorCode, string>> = {
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

const byCode: ReadonlyMap<ErrorCode, string> = new Map<ErrorCode, string>([
  ...(Object.entries(names) as [LmErrorCode, string][]),
  ["ERR_DEADLINE_EXCEEDED", "LMTimeoutError"],
]);

/** The name of the LM error class that Python code sees for an error of the host. */
export function dspyErrorName(error: unknown): string {
  return (DspexError.is(error) ? byCode.get(error.code) : undefined) ?? "LMUnexpectedError";
}
