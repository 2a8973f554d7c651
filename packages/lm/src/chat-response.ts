import { isObject, objects, text } from "./json-fields.ts";
import type { LmFinishReason, LmLogprob, LmPart, LmResponse, LmTokenLogprob, LmUsage } from "./request.ts";

/**
 * The body of a chat completion as a response, or what is wrong with it. Lenient as DSPy's own reader
 * (`dspy/_vendor/lm15/providers/openai_chat.py`): what a server leaves out is left out.
 */
export function chatResponse(body: unknown, model: string): LmResponse | { readonly problem: string } {
  if (!isObject(body)) return { problem: "it is not a JSON object" };
  const choice: unknown = Array.isArray(body["choices"]) ? body["choices"][0] : undefined;
  if (!isObject(choice) || !isObject(choice["message"])) return { problem: "it has no choices[0].message" };
  const { message } = choice as { message: Record<string, unknown> };

  const parts: LmPart[] = [];
  const thinking = text(message["reasoning_content"]) ?? text(message["reasoning"]);
  if (thinking !== undefined) parts.push({ type: "thinking", text: thinking });
  for (const piece of pieces(message["content"])) parts.push({ type: "text", text: piece });
  const refusal = text(message["refusal"]);
  if (refusal !== undefined) parts.push({ type: "refusal", text: refusal });
  for (const call of objects(message["tool_calls"])) {
    const called = isObject(call["function"]) ? call["function"] : {};
    const name = text(called["name"]);
    if (name === undefined) return { problem: "a tool call has no name" };
    parts.push({
      type: "tool_call",
      id: text(call["id"]) ?? `call_${parts.length}`,
      name,
      input: toolInput(called["arguments"]),
    });
  }
  const called = parts.some((part) => part.type === "tool_call");
  const logprobs = isObject(choice["logprobs"]) ? tokens(choice["logprobs"]["content"]) : [];
  return {
    id: text(body["id"]) ?? null,
    model: text(body["model"]) ?? model,
    // A message of DSPy's has at least one part.
    message: { role: "assistant", parts: parts.length === 0 ? [{ type: "text", text: "" }] : parts },
    finish_reason: called ? "tool_call" : finishReason(choice["finish_reason"]),
    usage: usage(body["usage"]),
    ...(logprobs.length === 0 ? {} : { logprobs }),
  };
}

const finishReasons: ReadonlyMap<unknown, LmFinishReason> = new Map<unknown, LmFinishReason>([
  ["stop", "stop"],
  ["length", "length"],
  ["tool_calls", "tool_call"],
  ["function_call", "tool_call"],
  ["content_filter", "content_filter"],
]);

export function finishReason(given: unknown): LmFinishReason {
  return finishReasons.get(given) ?? "stop";
}

/** Content is a text or a list of parts, of which the text ones count. */
export function pieces(content: unknown): string[] {
  if (typeof content === "string") return content === "" ? [] : [content];
  return objects(content).flatMap((part) => (part["type"] === "text" ? [text(part["text"]) ?? ""] : []));
}

/** Models write JSON that is no object, or no JSON: DSPy's reader keeps it under these names. */
function toolInput(written: unknown): Record<string, unknown> {
  if (isObject(written)) return written;
  if (typeof written !== "string" || written === "") return {};
  try {
    const value: unknown = JSON.parse(written);
    return isObject(value) ? value : { value };
  } catch {
    return { partial_json: written };
  }
}

export function usage(reported: unknown): LmUsage {
  if (!isObject(reported)) return {};
  const input = isObject(reported["prompt_tokens_details"]) ? reported["prompt_tokens_details"] : {};
  const output = isObject(reported["completion_tokens_details"]) ? reported["completion_tokens_details"] : {};
  const counts: Record<keyof LmUsage, unknown> = {
    input_tokens: reported["prompt_tokens"],
    output_tokens: reported["completion_tokens"],
    total_tokens: reported["total_tokens"],
    cache_read_tokens: input["cached_tokens"],
    cache_write_tokens: input["cache_write_tokens"],
    reasoning_tokens: output["reasoning_tokens"],
    input_audio_tokens: input["audio_tokens"],
    output_audio_tokens: output["audio_tokens"],
  };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => Number.isSafeInteger(count)));
}

export function tokens(entries: unknown): LmTokenLogprob[] {
  return objects(entries).flatMap((entry) =>
    logprob(entry).map((token) => {
      const top = objects(entry["top_logprobs"]).flatMap(logprob);
      return top.length === 0 ? token : { ...token, top };
    }),
  );
}

function logprob({ token, logprob, bytes }: Record<string, unknown>): LmLogprob[] {
  if (typeof token !== "string" || typeof logprob !== "number") return [];
  return [{ token, logprob, ...(Array.isArray(bytes) ? { bytes: bytes as number[] } : {}) }];
}
