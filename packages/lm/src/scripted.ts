import { durationOption, systemClock, type Clock } from "@dspex/core";
import { aborted } from "./aborted.ts";
import type { LmAdapter } from "./adapter.ts";
import { pause } from "./pause.ts";
import type { LmRequest, LmResponse } from "./request.ts";

/** Answers a request with a text or a whole response; what it throws is what the endpoint fails with. */
export type Script = (request: LmRequest) => string | LmResponse | Promise<string | LmResponse>;

export interface ScriptedOptions {
  /** How long every answer takes, in milliseconds. @default 0 */
  readonly latencyMs?: number;
  /** @default the real one */
  readonly clock?: Clock;
}

/**
 * An adapter that answers in this process, from a function: for tests.
 *
 * ```ts
 * scripted(({ messages }) => "[[ ## answer ## ]]\n42\n\n[[ ## completed ## ]]", { latencyMs: 50 });
 * ```
 */
export function scripted(script: Script, options: ScriptedOptions = {}): LmAdapter {
  const latencyMs = durationOption("latencyMs", options.latencyMs, { default: 0 });
  const clock = options.clock ?? systemClock;
  return {
    id: "scripted",
    async complete(request, { signal }) {
      if (latencyMs > 0) await pause(clock, latencyMs, signal);
      if (signal.aborted) throw aborted(signal, "waiting for the language model");
      const answer = await script(request);
      return typeof answer === "string" ? textResponse(request.model, answer) : answer;
    },
  };
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
