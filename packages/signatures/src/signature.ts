import { invalidOption } from "@dspex/core";
import type { CheckedText, InputOfText, OutputOfText } from "./infer.ts";
import { parseSignature } from "./parse.ts";
import type { FieldSpec, SignatureSpec } from "./tree.ts";

/**
 * What a program takes and gives back.
 *
 * @typeParam In the inputs by name; every one is required, as in DSPy. One of an optional type may be `null`.
 * @typeParam Out the outputs by name.
 */
export interface Signature<In = unknown, Out = unknown> {
  /** As it was written. */
  readonly text: string;
  readonly spec: SignatureSpec;
  /** For the compiler only; never set. */
  readonly "~types"?: { readonly input: In; readonly output: Out };
}

/** The inputs of a signature as a type. */
export type InputOf<S extends Signature> = NonNullable<S["~types"]>["input"];

/** The outputs of a signature as a type. */
export type OutputOf<S extends Signature> = NonNullable<S["~types"]>["output"];

export interface SignatureOptions<Field extends string = string> {
  /**
   * The task in words, the first thing that the model reads.
   * @default DSPy's: "Given the fields `…`, produce the fields `…`."
   */
  readonly instructions?: string;
  /**
   * What the prompt says about single fields.
   * @default DSPy's: `${name}`
   */
  readonly descriptions?: { readonly [name in Field]?: string };
}

/**
 * A signature in DSPy's own text, its types inferred from the text.
 *
 * ```ts
 * const answer = signature("question, context: list[str] -> answer, confidence: float");
 * // Signature<{ question: string; context: string[] }, { answer: string; confidence: number }>
 * ```
 *
 * | in the text | in TypeScript |
 * |---|---|
 * | no type, `str` | `string` |
 * | `int`, `float` | `number` |
 * | `bool` | `boolean` |
 * | `list[T]`, `list` | `T[]`, `unknown[]` |
 * | `dict[K, V]`, `dict` | `Record<string, V>`, `Record<string, unknown>`; an int key is its decimal text |
 * | `Literal["a", 1, True, None]` | `"a" \| 1 \| true \| null` |
 * | `A \| B`, `Union[A, B]`, `Optional[T]` | `A \| B`, `T \| null` |
 *
 * Trailing commas, line breaks and comments are allowed. Everything else of DSPy's grammar (tuples, images, dates, custom
 * types, …) is a compile-time error that names it.
 *
 * @throws ERR_SIGNATURE when the text is not a signature; ERR_INVALID_OPTION when a description names no field of it.
 */
export function signature<const Text extends string>(
  text: CheckedText<Text>,
  options: SignatureOptions<Extract<keyof InputOfText<Text> | keyof OutputOfText<Text>, string>> = {},
): Signature<InputOfText<Text>, OutputOfText<Text>> {
  const { inputs, outputs } = parseSignature(text as string);
  const descriptions = new Map(Object.entries<string | undefined>(options.descriptions ?? {}));
  const described = (field: FieldSpec): FieldSpec => ({
    ...field,
    desc: descriptions.get(field.name) ?? null,
  });
  const spec: SignatureSpec = {
    instructions: options.instructions ?? null,
    inputs: inputs.map(described),
    outputs: outputs.map(described),
  };
  const names = [...inputs, ...outputs].map(({ name }) => name);
  for (const [name, description] of descriptions)
    if (!names.includes(name))
      throw invalidOption(
        `descriptions.${name}`,
        description,
        `for a field of the signature: ${names.join(", ")}`,
      );
  return { text: text as string, spec };
}
