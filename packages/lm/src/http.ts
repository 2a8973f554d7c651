import {
  createRedactor,
  durationOption,
  integerOption,
  invalidOption,
  messageOf,
  show,
  systemClock,
  textOption,
  type DspexError,
  type Redactor,
} from "@dspex/core";
import { aborted } from "./aborted.ts";
import type { LmAdapter } from "./adapter.ts";
import { chatRequest, type ChatTarget } from "./chat-request.ts";
import { chatResponse } from "./chat-response.ts";
import { httpFailure } from "./http-failure.ts";
import { lmError } from "./lm-error.ts";

export interface HttpOptions {
  /** The model's name, as the endpoint knows it. */
  readonly model: string;
  /** Where `/chat/completions` is appended. @default "https://api.openai.com/v1" */
  readonly baseURL?: string;
  /** Sent as `Authorization: Bearer …`. A function is asked before every request. @default none is sent */
  readonly apiKey?: string | (() => string | undefined);
  /** Further headers; their values are treated as secrets. @default {} */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * Longest time for one answer, in milliseconds; the caller's deadline may be shorter. Node's fetch itself waits at most
   * 300 s for the head of an answer, and as long for each part of it.
   * @default 120_000
   */
  readonly timeoutMs?: number;
  /** Largest answer, in bytes. @default 8_388_608 */
  readonly maxResponseBytes?: number;
}

const openAI = "https://api.openai.com/v1";

/**
 * Reaches a language model behind an OpenAI-compatible API: OpenAI, vLLM, Ollama, llama.cpp, LiteLLM and many others. One
 * `POST /chat/completions` per request, with plain `fetch`; redirects are not followed, so that no key reaches another host.
 *
 * The key, all header values and those of the URL's query are masked in every error.
 *
 * @throws ERR_INVALID_OPTION
 */
export function http(options: HttpOptions): LmAdapter {
  const url = baseURLOption(options.baseURL ?? openAI);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/chat/completions`;
  const endpoint = url.origin + url.pathname;
  const target: ChatTarget = {
    endpoint,
    model: textOption("model", options.model),
    maxTokensField: url.origin === new URL(openAI).origin ? "max_completion_tokens" : "max_tokens",
  };
  const headers = headersOption(options.headers ?? {});
  const timeoutMs = durationOption("timeoutMs", options.timeoutMs, { default: 120_000, min: 1 });
  const maxBytes = integerOption("maxResponseBytes", options.maxResponseBytes, {
    default: 8 * 2 ** 20,
    min: 1,
  });
  const { apiKey } = options;
  if (apiKey !== undefined && typeof apiKey !== "function" && typeof apiKey !== "string")
    throw invalidOption("apiKey", typeof apiKey, "a string or a function");

  /** The headers of one request, and a redactor that knows what is secret in them. */
  const authorize = (): { readonly headers: Headers; readonly redactor: Redactor } => {
    const redactor = createRedactor();
    for (const value of [...headers.values(), ...url.searchParams.values()]) redactor.add(value);
    const all = new Headers(headers);
    all.set("content-type", "application/json");
    if (apiKey !== undefined) {
      const key = typeof apiKey === "function" ? apiKey() : apiKey;
      // fetch would reject a key with, say, a line break at its end, and quote it.
      if (typeof key !== "string" || !/^[\x21-\x7e]+$/.test(key))
        throw lmError(
          "ERR_LM_NOT_CONFIGURED",
          `There is no usable API key for ${endpoint}: it is ${key ? "not printable ASCII without blanks" : "empty"}.`,
          { endpoint },
        );
      redactor.add(key);
      all.set("authorization", `Bearer ${key}`);
    }
    return { headers: all, redactor };
  };

  return {
    id: `${target.model} at ${endpoint}`,
    async complete(request, { signal }) {
      const body = JSON.stringify(chatRequest(request, target));
      const authorized = authorize();
      const answer = await exchange(
        url,
        { method: "POST", headers: authorized.headers, body },
        { endpoint, signal, timeoutMs, maxBytes },
      );
      const { status, ok, headers: answered } = answer.response;
      const said = answer.text === undefined ? undefined : authorized.redactor.text(answer.text);
      if (!ok) throw httpFailure({ endpoint, status, headers: answered, body: said ?? "" });
      const refuse = (problem: string) =>
        lmError("ERR_LM_INVALID_REPLY", `The answer of ${endpoint} is not a chat completion: ${problem}.`, {
          endpoint,
          status,
        });
      if (answer.text === undefined) throw refuse(`it is larger than ${maxBytes} bytes`);
      const reply = chatResponse(parseJson(answer.text), target.model);
      if ("problem" in reply) throw refuse(`${reply.problem}; it starts with ${show(said!.slice(0, 80))}`);
      return reply;
    },
  };
}

interface ExchangeLimits {
  readonly endpoint: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** Sends a request and reads the whole answer, within its limits. */
async function exchange(
  url: URL,
  init: RequestInit,
  { endpoint, signal, timeoutMs, maxBytes }: ExchangeLimits,
): Promise<{ readonly response: Response; readonly text: string | undefined }> {
  if (signal.aborted) throw aborted(signal, "about to ask the language model");
  // Not AbortSignal.any with AbortSignal.timeout: on Node 20 such a signal can be collected before it fires.
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  signal.addEventListener("abort", abort);
  const timer = systemClock.setTimeout(abort, timeoutMs);
  try {
    const response = await fetch(url, { ...init, redirect: "manual", signal: controller.signal });
    return { response, text: await readText(response, maxBytes) };
  } catch (error) {
    if (signal.aborted) throw aborted(signal, "waiting for the language model");
    if (controller.signal.aborted)
      throw lmError("ERR_LM_TIMEOUT", `${endpoint} did not answer within ${timeoutMs} ms.`, { endpoint });
    throw unreachable(endpoint, error);
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}

/** fetch wraps what happened in "fetch failed"; the cause knows more. */
function unreachable(endpoint: string, error: unknown): DspexError {
  const cause = (error as { readonly cause?: unknown }).cause ?? error;
  // An AggregateError (several addresses tried) has a code and no message.
  const { code } = cause as { readonly code?: unknown };
  const reason = messageOf(cause) || String(code);
  return lmError("ERR_LM_TRANSPORT", `${endpoint} cannot be reached: ${reason}.`, { endpoint }, cause);
}

/** The body as text, or `undefined` when it is larger than `maxBytes`, of which no more is read (G4). */
async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined; // leaving the loop cancels the body
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function baseURLOption(value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.username || url?.password)
    throw invalidOption("baseURL", "[redacted]", "a URL without credentials: give them as apiKey or headers");
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw invalidOption("baseURL", value, "an http: or https: URL");
}

function headersOption(value: Readonly<Record<string, string>>): Headers {
  try {
    return new Headers(value);
  } catch {
    // The original error quotes the value.
    throw invalidOption("headers", Object.keys(value), "names and values that HTTP allows");
  }
}
