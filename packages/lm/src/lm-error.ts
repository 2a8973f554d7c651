import { DspexError } from "@dspex/core";
import type { LmErrorCode, LmFailure } from "./errors.ts";

/** As DSPy's `is_retryable_lm_error` (`dspy/utils/exceptions.py`). */
const retryable: ReadonlySet<LmErrorCode> = new Set([
  "ERR_LM_RATE_LIMIT",
  "ERR_LM_TIMEOUT",
  "ERR_LM_SERVER",
  "ERR_LM_TRANSPORT",
]);

const remedies = {
  ERR_LM_AUTH: "Check the apiKey of http().",
  ERR_LM_BILLING: "Check the account's credit and quota.",
  ERR_LM_RATE_LIMIT: "Ask less often, or have the limit raised.",
  ERR_LM_TIMEOUT: "Try again, or give it more time with timeoutMs.",
  ERR_LM_SERVER: "Try again later.",
  ERR_LM_TRANSPORT: "Check that it runs, the baseURL of http(), and the network.",
  ERR_LM_INVALID_REQUEST: "Check the baseURL of http() and the program's LM parameters.",
  ERR_LM_CONTEXT_LENGTH: "Shorten the inputs or the demos, or take a model with a larger window.",
  ERR_LM_UNSUPPORTED_MODEL: "Check the model of http().",
  ERR_LM_UNSUPPORTED_FEATURE: "Leave it out.",
  ERR_LM_NOT_CONFIGURED: "Check the apiKey of http().",
  ERR_LM_INVALID_REPLY:
    "Check that the baseURL of http() leads to an OpenAI-compatible API, and what stands in between.",
} as const;

/** An error of a request to an endpoint: what happened, and what to do about it. */
export function lmError(
  code: keyof typeof remedies,
  problem: string,
  details: LmFailure,
  cause?: unknown,
): DspexError<LmErrorCode> {
  return new DspexError<LmErrorCode>(code, `${problem} ${remedies[code]}`, {
    details,
    retryable: retryable.has(code),
    ...(cause === undefined ? {} : { cause }),
  });
}
