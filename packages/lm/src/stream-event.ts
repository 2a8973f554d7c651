import type { LmFinishReason, LmTokenLogprob, LmUsage } from "./request.ts";

/**
 * One event of a streamed reply, in the JSON form of DSPy 3.4's lm15 (`stream_event_from_dict` of
 * `dspy/_vendor/lm15/serde.py`): one `start`, any number of deltas, one `end`. A stream without its `end` is not a reply; what
 * goes wrong is thrown, so there is no event for it.
 */
export type LmStreamEvent =
  | { readonly type: "start"; readonly id?: string; readonly model?: string }
  | { readonly type: "delta"; readonly delta: LmDelta }
  | { readonly type: "end"; readonly finish_reason: LmFinishReason; readonly usage: LmUsage };

/** A piece of the part of the reply that has its `type` and `part_index`; the pieces of a part follow one another. */
export type LmDelta =
  | {
      readonly type: "text";
      readonly text: string;
      readonly part_index: number;
      /** Of the tokens in this very piece. */
      readonly logprobs?: readonly LmTokenLogprob[];
    }
  | { readonly type: "thinking"; readonly text: string; readonly part_index: number }
  | {
      readonly type: "tool_call";
      /** A piece of the JSON text of the call's input. */
      readonly input: string;
      readonly part_index: number;
      readonly id?: string;
      /** There in the first piece of a call at the latest. */
      readonly name?: string;
    };
