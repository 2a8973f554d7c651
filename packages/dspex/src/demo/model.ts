import { invalidOption } from "@dspex/core";
import { http, type LmAdapter } from "@dspex/lm";

/** A model of the user's, when the environment names one: `DSPEX_LM` and a key, a base URL, or both. */
export function modelFromEnvironment(
  env: NodeJS.ProcessEnv,
): { name: string; adapter: LmAdapter } | undefined {
  const model = env["DSPEX_LM"];
  if (model === undefined || model === "") return undefined;
  const apiKey = env["DSPEX_LM_API_KEY"] ?? env["OPENAI_API_KEY"];
  const baseURL = env["DSPEX_LM_BASE_URL"] ?? env["OPENAI_BASE_URL"];
  if (apiKey === undefined && baseURL === undefined)
    throw invalidOption(
      "DSPEX_LM",
      model,
      "given together with OPENAI_API_KEY or OPENAI_BASE_URL; without DSPEX_LM the offline rules answer",
    );
  return {
    name: model,
    adapter: http({
      model,
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(baseURL === undefined ? {} : { baseURL }),
    }),
  };
}
