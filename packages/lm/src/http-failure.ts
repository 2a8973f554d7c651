import type { DspexError } from "@dspex/core";
import type { LmErrorCode, LmFailure } from "./errors.ts";
import { lmError } from "./lm-error.ts";

/** An answer that is not a success. */
export interface HttpFailure {
  readonly endpoint: string;
  readonly status: number;
  readonly headers: Headers;
  /** What the endpoint said, without secrets; it need not be JSON. */
  readonly body: string;
}

/** Longest part of an endpoint's own words that goes into a message. */
const maxWords = 500;

/** The error for an answer that is not a success, by the provider's code, else by the HTTP status. */
export function httpFailure(answer: HttpFailure): DspexError<LmErrorCode> {
  return failure(answer, `answered ${answer.status}`, () => answer.status);
}

/**
 * The error for an event that reports a failure in the midst of a streamed answer, by the provider's code, else by the HTTP
 * status that some servers give as code (vLLM, OpenRouter); else it is the server that failed. The answer's own status was
 * a success and says nothing.
 */
export function streamFailure(answer: HttpFailure): DspexError<LmErrorCode> {
  return failure(answer, "broke off its answer", (code) =>
    typeof code === "number" && code >= 400 && code < 600 ? code : 500,
  );
}

function failure(
  { endpoint, status, headers, body }: HttpFailure,
  happened: string,
  statusFrom: (code: unknown) => number,
): DspexError<LmErrorCode> {
  const { code: given, words } = readError(body);
  const code = typeof given === "string" ? given : undefined;
  const requestId = headers.get("x-request-id") ?? undefined;
  const retryAfterMs = readRetryAfterMs(headers);
  const details: LmFailure = {
    endpoint,
    status,
    ...(code === undefined ? {} : { providerCode: code }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
  const problem = `${endpoint} ${happened}${words === "" ? "" : `: ${words.slice(0, maxWords)}`}`;
  return lmError(codeOf(statusFrom(given), code, words), `${problem.replace(/[.\s]+$/, "")}.`, details);
}

type Code = Parameters<typeof lmError>[0];

/** Codes of OpenAI's API and of those that imitate it; they say more than the status. */
const byProviderCode: ReadonlyMap<string | undefined, Code> = new Map<string, Code>([
  ["context_length_exceeded", "ERR_LM_CONTEXT_LENGTH"],
  ["insufficient_quota", "ERR_LM_BILLING"],
  ["invalid_api_key", "ERR_LM_AUTH"],
  ["model_not_found", "ERR_LM_UNSUPPORTED_MODEL"],
  ["rate_limit_exceeded", "ERR_LM_RATE_LIMIT"],
]);

function codeOf(status: number, providerCode: string | undefined, words: string): Code {
  const known = byProviderCode.get(providerCode);
  if (known !== undefined) return known;
  if (status === 401 || status === 403) return "ERR_LM_AUTH";
  if (status === 402) return "ERR_LM_BILLING";
  if (status === 408 || status === 504) return "ERR_LM_TIMEOUT";
  if (status === 429) return "ERR_LM_RATE_LIMIT";
  if (status >= 500) return "ERR_LM_SERVER";
  // Servers that have no code for it all say so in words (vLLM, llama.cpp, Ollama).
  if (/context (length|size|window)/i.test(words)) return "ERR_LM_CONTEXT_LENGTH";
  return "ERR_LM_INVALID_REQUEST";
}

/** OpenAI's `{ error: { code, message } }`, `{ error: "…" }`, `{ message }`, or the body itself. */
function readError(body: string): { readonly code?: unknown; readonly words: string } {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return { words: body.replace(/\s+/g, " ").trim() };
  }
  const error = field(parsed, "error") ?? parsed;
  const code = field(error, "code");
  const words = typeof error === "string" ? error : field(error, "message");
  return { code, words: typeof words === "string" ? words : "" };
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date, which is compared with the server's own clock. */
function readRetryAfterMs(headers: Headers): number | undefined {
  const ms = headers.get("retry-after-ms");
  const after = headers.get("retry-after");
  const candidates = [
    ms === null ? Number.NaN : Number(ms),
    after === null ? Number.NaN : Number(after) * 1_000,
    Date.parse(after ?? "") - Date.parse(headers.get("date") ?? ""),
  ];
  return candidates.find((value) => Number.isFinite(value) && value >= 0);
}
