import { parseType } from "./parse-type.ts";
import { nameProblem, type Side } from "./names.ts";
import { Source, tokenize } from "./tokens.ts";
import { TokenReader } from "./token-reader.ts";
import type { FieldSpec } from "./tree.ts";

/** The fields that a text declares, in their order. */
export interface ParsedFields {
  readonly inputs: readonly FieldSpec[];
  readonly outputs: readonly FieldSpec[];
}

const arrow = "->";

/**
 * Parses DSPy's signature text: exactly one `->` in the whole text (counted as text, as DSPy does, even within quotes);
 * on each side Python's parameter syntax. Independent of the parser at type level; both are tested against each other
 * and against DSPy (`dspy/signatures/signature.py`, `_parse_signature`).
 *
 * Where DSPy accepts a text and then means something else by it, it is an error here: default values, starred,
 * positional-only and keyword-only parameters (dropped), a name declared twice (the last type wins), `None` alone (read as
 * str), names that Python renames (NFKC) or that Predict keeps for itself. Of what Python can write, types are limited to
 * `str int float bool list dict Literal Optional Union | None`; a `list` has one argument and a `dict` two, of which the
 * key is str, int or a Literal of these; a `Literal` holds strings in single or double quotes without prefix, whole
 * decimal numbers below 2^53, True, False and None.
 *
 * @throws ERR_SIGNATURE with the position of the first problem.
 */
export function parseSignature(text: string): ParsedFields {
  const source = new Source(text);
  const split = text.indexOf(arrow);
  if (split < 0)
    throw source.error(
      text.length,
      "there is no `->`",
      'Write "inputs -> outputs", as in "question -> answer".',
    );
  const second = text.indexOf(arrow, split + 1);
  if (second >= 0)
    throw source.error(second, "there is a second `->`", "DSPy takes exactly one, even within quotes.");
  const taken = new Map<string, Side>();
  return {
    inputs: parseSide(source, 0, split, "input", taken),
    outputs: parseSide(source, split + arrow.length, text.length, "output", taken),
  };
}

function parseSide(
  source: Source,
  start: number,
  end: number,
  side: Side,
  taken: Map<string, Side>,
): FieldSpec[] {
  const reader = new TokenReader(source, tokenize(source, start, end));
  const fields: FieldSpec[] = [];
  while (!reader.atEnd()) {
    const { text: name, at } = reader.expectName("the name of a field");
    const problem = nameProblem(name, side);
    if (problem !== undefined) throw source.error(at, problem.problem, problem.remedy);
    const other = taken.get(name);
    if (other !== undefined)
      throw source.error(
        at,
        other === side ? `\`${name}\` is declared twice` : `\`${name}\` is both an input and an output`,
        "Give every field a name of its own.",
      );
    taken.set(name, side);
    fields.push({ name, type: reader.skip(":") ? parseType(reader) : { kind: "str" }, desc: null });
    if (!reader.skip(",") && !reader.atEnd()) throw reader.unexpected("`,` or the end of the fields");
  }
  return fields;
}
