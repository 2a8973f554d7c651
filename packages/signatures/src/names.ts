/** Python's keywords: no field can bear one, because DSPy passes fields as keyword arguments. */
const keywords = [
  "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
  "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
  "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
] as const; // oxfmt-ignore

/** Members of `dspy.Signature` itself; a field of that name breaks the class. */
const members = [
  "fields",
  "input_fields",
  "output_fields",
  "instructions",
  "signature",
  "model_config",
  "model_dump",
  "model_dump_json",
  "model_validate",
  "model_validate_json",
  "model_validate_strings",
] as const;

/** Keyword arguments that `Predict` takes for itself, so that an input of that name would never arrive. */
const predictArguments = ["config", "demos", "lm", "new_signature", "prediction", "self"] as const;

export type Side = "input" | "output";
export type Keyword = (typeof keywords)[number];
export type ReservedName<S extends Side> =
  | (typeof members)[number]
  | (S extends "input" ? (typeof predictArguments)[number] : never);

/** DSPy parses a field's name as a Python parameter, which Python brings into NFKC form. */
const identifier = /^[\p{XID_Start}_][\p{XID_Continue}]*$/u;

export interface NameProblem {
  readonly problem: string;
  readonly remedy: string;
}

/**
 * Why `name` cannot be the name of a field, or `undefined`. Stricter than DSPy, which accepts names that its own
 * modules then shadow and silently renames those that are not in NFKC form.
 */
export function nameProblem(name: string, side: Side): NameProblem | undefined {
  const is = (list: readonly string[]) => list.includes(name);
  if (!identifier.test(name))
    return { problem: `\`${name}\` is not a Python identifier`, remedy: "Rename the field." };
  if (is(keywords)) return { problem: `\`${name}\` is a Python keyword`, remedy: "Rename the field." };
  if (name.startsWith("_"))
    return {
      problem: `\`${name}\` starts with an underscore`,
      remedy: "DSPy takes no such fields; rename it.",
    };
  if (name.normalize("NFKC") !== name)
    return {
      problem: `\`${name}\` is not in Unicode NFKC form`,
      remedy: `Python would read another name; write \`${name.normalize("NFKC")}\`.`,
    };
  if (is(members))
    return { problem: `\`${name}\` is a member of DSPy's Signature class`, remedy: "Rename the field." };
  if (side === "input" && is(predictArguments))
    return { problem: `\`${name}\` is an argument of DSPy's Predict`, remedy: "Rename the input." };
  return undefined;
}
