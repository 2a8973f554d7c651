import { finishReason, pieces, tokens, usage } from "./chat-response.ts";
import { isObject, objects, text } from "./json-fields.ts";
import type { LmUsage } from "./request.ts";
import type { LmDelta, LmStreamEvent } from "./stream-event.ts";

type Chunk = Readonly<Record<string, unknown>>;
interface Problem {
  readonly problem: string;
}

/**
 * Reads the chunks of a streamed chat completion as events. Lenient as DSPy's own reader
 * (`dspy/_vendor/lm15/providers/openai_chat.py`); like it, it takes thinking and text for part 0 and keeps the indexes of
 * tool calls. What ends the answer is spread over several chunks, so `end` stands apart.
 */
export class ChatStream {
  readonly #model: string;
  readonly #namedCalls = new Set<number>();
  #started = false;
  #finish: unknown;
  #usage: LmUsage = {};

  /** @param model the name to report when the endpoint tells none. */
  constructor(model: string) {
    this.#model = model;
  }

  /** Whether a chunk has said why the answer ended. */
  get finished(): boolean {
    return this.#finish !== undefined;
  }

  /** The events of a chunk, or what is wrong with it. */
  read(chunk: unknown): LmStreamEvent[] | Problem {
    if (!isObject(chunk)) return { problem: "an event of it is not a JSON object" };
    if (isObject(chunk["usage"])) this.#usage = usage(chunk["usage"]);
    const [choice] = objects(chunk["choices"]);
    if (choice === undefined) return []; // the last chunk, of usage only
    this.#finish = choice["finish_reason"] ?? this.#finish;
    const deltas = this.#deltas(choice);
    if ("problem" in deltas) return deltas;
    return [...this.#start(chunk), ...deltas.map((delta) => ({ type: "delta" as const, delta }))];
  }

  /** The events that are left when nothing follows. */
  end(): LmStreamEvent[] {
    const finish_reason = this.#namedCalls.size > 0 ? "tool_call" : finishReason(this.#finish);
    return [...this.#start({}), { type: "end", finish_reason, usage: this.#usage }];
  }

  #start(chunk: Chunk): LmStreamEvent[] {
    if (this.#started) return [];
    this.#started = true;
    const id = text(chunk["id"]);
    return [
      { type: "start", ...(id === undefined ? {} : { id }), model: text(chunk["model"]) ?? this.#model },
    ];
  }

  #deltas(choice: Chunk): LmDelta[] | Problem {
    const delta = isObject(choice["delta"]) ? choice["delta"] : {};
    const deltas: LmDelta[] = [];
    const thinking = text(delta["reasoning_content"]) ?? text(delta["reasoning"]);
    if (thinking !== undefined) deltas.push({ type: "thinking", text: thinking, part_index: 0 });
    const logprobs = isObject(choice["logprobs"]) ? tokens(choice["logprobs"]["content"]) : [];
    // DSPy has no delta for a refusal, and nobody should wait for an answer that was refused: it comes as text.
    const said = [...pieces(delta["content"]), text(delta["refusal"]) ?? ""].join("");
    if (said !== "" || logprobs.length > 0)
      deltas.push({ type: "text", text: said, part_index: 0, ...(logprobs.length > 0 ? { logprobs } : {}) });
    for (const [position, call] of objects(delta["tool_calls"]).entries()) {
      const fields = isObject(call["function"]) ? call["function"] : {};
      const { index, id } = call;
      const part_index = typeof index === "number" && index >= 0 ? Math.trunc(index) : position;
      const name = text(fields["name"]);
      if (name !== undefined) this.#namedCalls.add(part_index);
      else if (!this.#namedCalls.has(part_index)) return { problem: "a tool call has no name" };
      deltas.push({
        type: "tool_call",
        input: isObject(fields["arguments"])
          ? JSON.stringify(fields["arguments"])
          : (text(fields["arguments"]) ?? ""),
        part_index,
        ...(text(id) === undefined ? {} : { id: text(id)! }),
        ...(name === undefined ? {} : { name }),
      });
    }
    return deltas;
  }
}
