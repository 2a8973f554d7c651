import { DspexError } from "./errors.ts";

/** Rejects a value with the option's path, the value, and what would be right. */
export function invalidOption(
  option: string,
  received: unknown,
  expected: string,
): DspexError<"ERR_INVALID_OPTION"> {
  return new DspexError("ERR_INVALID_OPTION", `${option} must be ${expected}; received ${show(received)}.`, {
    details: { option, received },
  });
}

/** A whole number of at least `min`, and at most `max` if there is one; `undefined` takes the default. */
export function integerOption(
  option: string,
  value: unknown,
  defaults: { default: number; min: number; max?: number },
): number {
  const { min, max = Infinity } = defaults;
  if (value === undefined) return defaults.default;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw invalidOption(
    option,
    value,
    max === Infinity ? `a whole number of at least ${min}` : `a whole number from ${min} to ${max}`,
  );
}

/** A duration in milliseconds of at least `min` (0 by default), which may be fractional or `Infinity`. */
export function durationOption(
  option: string,
  value: unknown,
  defaults: { default: number; min?: number },
): number {
  if (value === undefined) return defaults.default;
  const min = defaults.min ?? 0;
  if (typeof value === "number" && value >= min) return value;
  throw invalidOption(option, value, `a duration in milliseconds of at least ${min}`);
}

/** One of the listed words. */
export function choiceOption<const T extends string>(
  option: string,
  value: unknown,
  choices: { default: T; among: readonly T[] },
): T {
  if (value === undefined) return choices.default;
  const found = choices.among.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw invalidOption(option, value, `one of ${choices.among.map((choice) => `"${choice}"`).join(", ")}`);
}

/** A text with at least one character. */
export function textOption(option: string, value: unknown): string {
  if (typeof value === "string" && value.length > 0) return value;
  throw invalidOption(option, value, "a non-empty string");
}

/** A short, one-line rendering of any value for error messages; never throws, never longer than 120 characters. */
export function show(value: unknown): string {
  const text = (() => {
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value === "function") return `a function${value.name ? ` (${value.name})` : ""}`;
    if (typeof value !== "object" || value === null) return String(value);
    try {
      return JSON.stringify(value) ?? Object.prototype.toString.call(value);
    } catch {
      return Object.prototype.toString.call(value);
    }
  })();
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}
