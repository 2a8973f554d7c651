import { show, type DspexError, type Redactor } from "@dspex/core";
import { chatResponse } from "./chat-response.ts";
import { ChatStream } from "./chat-stream.ts";
import type { HttpExchange } from "./http-exchange.ts";
import { httpFailure, streamFailure } from "./http-failure.ts";
import { isObject } from "./json-fields.ts";
import { lmError } from "./lm-error.ts";
import type { LmResponse } from "./request.ts";
import { SseParser } from "./sse-parser.ts";
import type { LmDelta, LmStreamEvent } from "./stream-event.ts";

/** The answer to a chat completion request, of which the head has come. */
export interface ChatAnswer {
  /** For error messages: a URL without query. */
  readonly endpoint: string;
  /** The name of the model that was asked. */
  readonly model: string;
  readonly maxBytes: number;
  readonly exchange: HttpExchange;
  readonly response: Response;
  /** Knows what of the request is secret. */
  readonly redactor: Redactor;
}

/** Reads an answer that comes as a whole. */
export async function readWhole(answer: ChatAnswer): Promise<LmResponse> {
  const { endpoint, model, maxBytes, exchange, response, redactor } = answer;
  const text = await exchange.text(response, maxBytes);
  const { status, headers } = response;
  if (!response.ok)
    throw httpFailure({ endpoint, status, headers, body: text === undefined ? "" : redactor.text(text) });
  if (text === undefined) throw tooLarge(answer);
  const reply = chatResponse(parseJson(text), model);
  if ("problem" in reply) throw refusal(answer, reply.problem, text);
  return reply;
}

/** Reads an answer that comes as server-sent events. */
export async function* readEvents(answer: ChatAnswer): AsyncGenerator<LmStreamEvent, void, void> {
  const { endpoint, model, maxBytes, exchange, response, redactor } = answer;
  const { status, headers } = response;
  const sse = new SseParser(maxBytes, () => tooLarge(answer));
  const chat = new ChatStream(model);
  let size = 0;
  const pieces = exchange.pieces(response);
  for await (const bytes of pieces)
    for (const data of sse.push(bytes)) {
      if (data === "[DONE]") {
        yield* chat.end();
        return await exchange.end(pieces);
      }
      const chunk = parseJson(data);
      if (isObject(chunk) && (chunk["error"] ?? undefined) !== undefined)
        throw streamFailure({ endpoint, status, headers, body: redactor.text(data) });
      const events = chat.read(chunk);
      if ("problem" in events) throw refusal(answer, events.problem, data);
      for (const event of events) {
        if (event.type === "delta") size += sizeOf(event.delta);
        if (size > maxBytes) throw tooLarge(answer);
        yield event;
      }
    }
  // Some servers end without [DONE].
  if (chat.finished) return yield* chat.end();
  throw lmError("ERR_LM_TRANSPORT", `${endpoint} ended its answer before it was complete.`, {
    endpoint,
    status,
  });
}

function sizeOf(delta: LmDelta): number {
  return Buffer.byteLength(delta.type === "tool_call" ? `${delta.name ?? ""}${delta.input}` : delta.text);
}

function tooLarge(answer: ChatAnswer): DspexError {
  return refusal(answer, `it is larger than ${answer.maxBytes} bytes`);
}

/** @param said what is wrong, as the endpoint wrote it. */
function refusal({ endpoint, response, redactor }: ChatAnswer, problem: string, said?: string): DspexError {
  const start = said === undefined ? "" : `; it starts with ${show(redactor.text(said).slice(0, 80))}`;
  return lmError(
    "ERR_LM_INVALID_REPLY",
    `The answer of ${endpoint} is not a chat completion: ${problem}${start}.`,
    {
      endpoint,
      status: response.status,
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
