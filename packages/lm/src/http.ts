import {
  createRedactor,
  durationOption,
  integerOption,
  invalidOption,
  textOption,
  type Redactor,
} from "@dspex/core";
import type { LmAdapter } from "./adapter.ts";
import { readEvents, readWhole, type ChatAnswer } from "./chat-answer.ts";
import { chatRequest, type ChatTarget } from "./chat-request.ts";
import { HttpExchange } from "./http-exchange.ts";
import { lmError } from "./lm-error.ts";
import { responseEvents } from "./response-events.ts";

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
   * Longest time for one answer, in milliseconds; of a streamed one, for its head and for every further piece. The caller's
   * deadline may be shorter. Node's fetch itself waits at most 300 s for the head of an answer, and as long for each piece.
   * @default 120_000
   */
  readonly timeoutMs?: number;
  /** Largest answer, in bytes; of a streamed one, without what wraps its pieces. @default 8_388_608 */
  readonly maxResponseBytes?: number;
}

const openAI = "https://api.openai.com/v1";

/**
 * Reaches a language model behind an OpenAI-compatible API: OpenAI, vLLM, Ollama, llama.cpp, LiteLLM and many others. One
 * `POST /chat/completions` per request, with plain `fetch`, streamed as server-sent events; redirects are not followed, so that no key reaches another host.
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

  /** Asks, and hands over the answer once its head is there. */
  const ask = async (exchange: HttpExchange, asked: object): Promise<ChatAnswer> => {
    const { headers: sent, redactor } = authorize();
    const response = await exchange.open(url, { method: "POST", headers: sent, body: JSON.stringify(asked) });
    return { endpoint, model: target.model, maxBytes, exchange, response, redactor };
  };

  return {
    id: `${target.model} at ${endpoint}`,
    async complete(request, { signal }) {
      const asked = chatRequest(request, target);
      const exchange = new HttpExchange({ endpoint, signal, timeoutMs });
      try {
        return await readWhole(await ask(exchange, asked));
      } finally {
        exchange.close();
      }
    },
    async *stream(request, { signal }) {
      const asked = chatRequest(request, target);
      const exchange = new HttpExchange({ endpoint, signal, timeoutMs });
      try {
        const answer = await ask(exchange, {
          ...asked,
          stream: true,
          stream_options: { include_usage: true },
        });
        const type = answer.response.headers.get("content-type");
        if (answer.response.ok && type?.startsWith("text/event-stream")) yield* readEvents(answer);
        // A failure, or a server that does not stream.
        else yield* responseEvents(await readWhole(answer), (text) => [text]);
      } finally {
        exchange.close();
      }
    },
  };
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
