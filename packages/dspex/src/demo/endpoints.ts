import { invalidOption } from "@dspex/core";
import { http, type LmAdapter } from "@dspex/lm";
import type { ChildSpec } from "@dspex/supervisors";
import { createOfflineModel } from "./offline-model.ts";

/** What answers the demo's LM requests. */
export interface DemoEndpoints {
  /** What it is called to people. */
  readonly name: string;
  readonly lm: Readonly<Record<string, LmAdapter>>;
  readonly children: readonly ChildSpec[];
  /** Makes one of them slow, half-way; absent when there is only one. */
  readonly slow?: { readonly endpoint: string; readonly start: () => void };
}

/** How long the slowed endpoint takes for an answer, in milliseconds. */
const slowedLatencyMs = 400;

/**
 * A model of the user's, when the environment names one: `DSPEX_LM` and a key, a base URL, or both. Otherwise the offline rules,
 * twice: `a` and `b`, of which `b` becomes slow.
 */
export function demoEndpoints(env: NodeJS.ProcessEnv): DemoEndpoints {
  const model = env["DSPEX_LM"];
  if (model !== undefined && model !== "") return userModel(model, env);
  const a = createOfflineModel("a");
  const b = createOfflineModel("b");
  return {
    name: "the offline rules (no language model)",
    lm: { a: a.adapter, b: b.adapter },
    children: [a.spec, b.spec],
    slow: { endpoint: "b", start: () => b.slowDown(slowedLatencyMs) },
  };
}

function userModel(model: string, env: NodeJS.ProcessEnv): DemoEndpoints {
  const apiKey = env["DSPEX_LM_API_KEY"] ?? env["OPENAI_API_KEY"];
  const baseURL = env["DSPEX_LM_BASE_URL"] ?? env["OPENAI_BASE_URL"];
  if (apiKey === undefined && baseURL === undefined)
    throw invalidOption(
      "DSPEX_LM",
      model,
      "given together with OPENAI_API_KEY or OPENAI_BASE_URL; without DSPEX_LM the offline rules answer",
    );
  const adapter = http({
    model,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(baseURL === undefined ? {} : { baseURL }),
  });
  return { name: model, lm: { model: adapter }, children: [] };
}
