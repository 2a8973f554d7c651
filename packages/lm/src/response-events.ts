import type { LmPart, LmResponse } from "./request.ts";
import type { LmDelta, LmStreamEvent } from "./stream-event.ts";

type Split = (text: string) => Iterable<string>;

/**
 * A whole response as the stream that it could have been. Log probabilities come with the first piece of text.
 *
 * @param split cuts a text; its pieces joined are the text.
 */
export function* responseEvents(
  { id, model, message, finish_reason, usage = {}, logprobs }: LmResponse,
  split: Split,
): Generator<LmStreamEvent, void, void> {
  yield { type: "start", ...(id ? { id } : {}), model };
  let scores = logprobs;
  for (const [index, part] of message.parts.entries())
    for (const delta of deltasOf(part, index, split)) {
      const scored = scores !== undefined && delta.type === "text";
      yield { type: "delta", delta: scored ? { ...delta, logprobs: scores! } : delta };
      if (scored) scores = undefined;
    }
  yield { type: "end", finish_reason, usage };
}

function* deltasOf(part: LmPart, part_index: number, split: Split): Generator<LmDelta, void, void> {
  switch (part.type) {
    case "text":
    case "thinking":
      for (const text of split(part.text)) yield { type: part.type, text, part_index };
      return;
    case "refusal":
      // DSPy has no delta for it, and nobody should wait for an answer that was refused.
      return yield { type: "text", text: part.text, part_index };
    case "tool_call": {
      const { type, id, name, input } = part;
      return yield { type, input: JSON.stringify(input), part_index, id, name };
    }
    default:
      throw new TypeError(`A part of type ${part.type} has no deltas.`);
  }
}
