import { durationOption, systemClock, type Clock, pause } from "@dspex/core";
import { aborted } from "./aborted.ts";
import type { LmAdapter, LmCallOptions } from "./adapter.ts";
import type { LmRequest, LmResponse } from "./request.ts";
import { responseEvents } from "./response-events.ts";
import { eachUntilAborted, untilAborted } from "./until-aborted.ts";

/** Answers a request with a text, its pieces or a whole response; what it throws is what the endpoint fails with. */
export type Script = (request: LmRequest) => Scripted | Promise<Scripted>;

type Scripted = string | LmResponse | AsyncIterable<string>;

const where = "waiting for the language model";

export interface ScriptedOptions {
  /** How long every answer takes, in milliseconds; of a streamed one, until it begins. @default 0 */
  readonly latencyMs?: number;
  /** @default the real one */
  readonly clock?: Clock;
}

/**
 * An adapter that answers in this process, from a function: for tests. Streamed, a text comes word by word; an async
 * generator decides itself on the pieces and their times.
 *
 * ```ts
 * scripted(({ messages }) => "[[ ## answer ## ]]\n42\n\n[[ ## completed ## ]]", { latencyMs: 50 });
 * ```
 */
export function scripted(script: Script, options: ScriptedOptions = {}): LmAdapter {
  const latencyMs = durationOption("latencyMs", options.latencyMs, { default: 0 });
  const clock = options.clock ?? systemClock;
  const ask = async (request: LmRequest, options: LmCallOptions): Promise<Scripted> => {
    // Only what has to be waited for needs the signal: making one costs more than all of the rest.
    if (latencyMs > 0) {
      await pause(clock, latencyMs, options.signal);
      if (options.signal.aborted) throw aborted(options.signal, where);
    }
    const answer = script(request);
    return typeof answer === "object" && "then" in answer
      ? untilAborted(answer, options.signal, where)
      : answer;
  };
  return {
    id: "scripted",
    async complete(request, options) {
      const answer = await ask(request, options);
      if (isResponse(answer)) return answer;
      if (typeof answer === "string") return textResponse(request.model, answer);
      let text = "";
      for await (const piece of eachUntilAborted(answer, options.signal, where)) text += piece;
      return textResponse(request.model, text);
    },
    async *stream(request, options) {
      const answer = await ask(request, options);
      const { signal } = options;
      if (typeof answer !== "string" && !isResponse(answer)) {
        yield { type: "start", model: request.model };
        for await (const text of eachUntilAborted(answer, signal, where))
          yield { type: "delta", delta: { type: "text", text, part_index: 0 } };
        yield { type: "end", finish_reason: "stop", usage: {} };
        return;
      }
      const response = isResponse(answer) ? answer : textResponse(request.model, answer);
      for (const event of responseEvents(response, wordsOf)) {
        if (signal.aborted) throw aborted(signal, where);
        yield event;
      }
    },
  };
}

function isResponse(answer: Scripted): answer is LmResponse {
  return typeof answer === "object" && "message" in answer;
}

/** A response that is one text. */
function textResponse(model: string, text: string): LmResponse {
  return {
    id: null,
    model,
    message: { role: "assistant", parts: [{ type: "text", text }] },
    finish_reason: "stop",
    usage: {},
  };
}

/** Each word with the blanks before it: about what a model's tokens look like. */
function wordsOf(text: string): Iterable<string> {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
