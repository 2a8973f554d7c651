import { invalidOption } from "@dspex/core";
import type { WireValue } from "@dspex/python-bridge";

/** How a program asks its language model. Parameters are spelt as DSPy spells them. */
export interface LmSettings {
  /**
   * The endpoint, by its name in `startRuntime({ lm })`; or several that are as good as one another, among which the
   * strategist chooses at each call. @default "default"
   */
  readonly endpoint?: string | readonly string[];
  /** @default the endpoint's own */
  readonly temperature?: number;
  /** The most tokens of a reply. @default the endpoint's own */
  readonly max_tokens?: number;
  /** @default the endpoint's own */
  readonly top_p?: number;
  /** @default none */
  readonly seed?: number;
}

const parameters = ["temperature", "max_tokens", "top_p", "seed"] as const;

/** @throws DspexError `ERR_INVALID_OPTION` for an endpoint that does not exist, or a parameter that is not a number. */
export function resolveLmSettings(
  settings: LmSettings,
  known: ReadonlySet<string>,
): { readonly endpoints: readonly string[]; readonly config: Readonly<Record<string, WireValue>> } {
  const { endpoint = "default" } = settings;
  const endpoints = typeof endpoint === "string" ? [endpoint] : endpoint;
  const list = [...known].join(", ") || "it has none: give startRuntime({ lm })";
  if (!Array.isArray(endpoints) || endpoints.length === 0)
    throw invalidOption("lm.endpoint", endpoint, `at least one of the runtime's endpoints (${list})`);
  for (const name of endpoints)
    if (!known.has(name))
      throw invalidOption("lm.endpoint", name, `one of the runtime's endpoints (${list})`);
  const config: Record<string, number> = {};
  for (const name of parameters) {
    const value = settings[name];
    if (value === undefined) continue;
    if (typeof value !== "number" || !Number.isFinite(value))
      throw invalidOption(`lm.${name}`, value, "a number");
    config[name] = value;
  }
  return { endpoints, config };
}
