import type { TokenReader } from "./token-reader.ts";
import type { Token } from "./tokens.ts";
import type { LiteralValue, TypeNode } from "./tree.ts";
import { typeText } from "./type-text.ts";

/** Deepest nesting of brackets. Bounds the parser's stack; no prompt needs more. */
const maxDepth = 32;

/** What people write instead of DSPy's names, and what it should be. */
const meant: Record<string, string> = {
  string: "str", text: "str", integer: "int", number: "float", boolean: "bool", null: "None", undefined: "None",
  array: "list", object: "dict", List: "list", Dict: "dict", NoneType: "None",
}; // oxfmt-ignore

const supported = "str, int, float, bool, list, dict, Literal, Optional, Union and None";

/** Reads the type after a field's `:`. */
export function parseType(reader: TokenReader): TypeNode {
  const at = reader.peek.at;
  const type = parseUnion(reader, 0);
  if (type.kind === "none") throw noneAlone(reader, at);
  return type;
}

/** `A | B | …`; a lone `None` is for the caller to judge. */
function parseUnion(reader: TokenReader, depth: number): TypeNode {
  const members = [parsePrimary(reader, depth)];
  while (reader.skip("|")) members.push(parsePrimary(reader, depth));
  return union(members);
}

function parsePrimary(reader: TokenReader, depth: number): TypeNode {
  const token = reader.peek;
  if (depth > maxDepth)
    throw reader.source.error(token.at, `types are nested more than ${maxDepth} deep`, "Flatten the type.");
  if (reader.skip("(")) {
    const type = parseUnion(reader, depth + 1);
    if (!reader.skip(")")) throw reader.unexpected("`)`");
    return type;
  }
  const { text: name, at } = reader.expectName("a type");
  switch (name) {
    case "str":
    case "int":
    case "float":
    case "bool":
      return { kind: name };
    case "None":
      return { kind: "none" };
    case "list": {
      const item = parseArguments(reader, depth, name, 1);
      return { kind: "list", item: item?.[0]?.type ?? null };
    }
    case "dict": {
      const [key, value] = parseArguments(reader, depth, name, 2) ?? [];
      if (key !== undefined && !isKey(key.type))
        throw reader.source.error(
          key.at,
          `\`${typeText(key.type)}\` cannot be the key of a dict`,
          "Keys are str, int or a Literal of these.",
        );
      return { kind: "dict", key: key?.type ?? null, value: value?.type ?? null };
    }
    case "Optional": {
      const [of] = required(reader, token, parseArguments(reader, depth, name, 1, "union"));
      return union([of!.type, { kind: "none" }]);
    }
    case "Union":
      return union(
        required(reader, token, parseArguments(reader, depth, name, Infinity, "union")).map(
          ({ type }) => type,
        ),
      );
    case "Literal":
      return { kind: "literal", values: parseLiterals(reader) };
    default:
      throw unsupported(reader, name, at);
  }
}

/**
 * `[T, …]` after the name of a generic type, or `undefined` when there is no bracket. `None` may stand for itself only
 * where the arguments form a union.
 */
function parseArguments(
  reader: TokenReader,
  depth: number,
  name: string,
  count: number,
  as: "types" | "union" = "types",
): { readonly type: TypeNode; readonly at: number }[] | undefined {
  const opening = reader.peek;
  if (!reader.skip("[")) return undefined;
  const types: { type: TypeNode; at: number }[] = [];
  do {
    if (reader.sees("]") && types.length > 0) break;
    const { at } = reader.peek;
    const type = parseUnion(reader, depth + 1);
    if (type.kind === "none" && as === "types") throw noneAlone(reader, at);
    types.push({ type, at });
  } while (reader.skip(","));
  if (!reader.skip("]")) throw reader.unexpected("`,` or `]`");
  if (count !== Infinity && types.length !== count)
    throw reader.source.error(
      opening.at,
      `\`${name}\` takes ${count} argument${count === 1 ? "" : "s"}, found ${types.length}`,
      `Write \`${name}[${count === 1 ? "T" : "K, V"}]\`.`,
    );
  return types;
}

function required<T>(reader: TokenReader, { text, at }: Token, types: T[] | undefined): T[] {
  if (types !== undefined) return types;
  throw reader.source.error(at, `\`${text}\` needs its types`, `Write \`${text}[…]\`.`);
}

function parseLiterals(reader: TokenReader): LiteralValue[] {
  if (!reader.skip("[")) throw reader.unexpected("`[` and the values of the Literal");
  const values: LiteralValue[] = [];
  do {
    if (reader.sees("]") && values.length > 0) break;
    const value = parseLiteral(reader);
    // As in Python's typing, a repeated value counts once; `1` and `True` are two values.
    if (!values.includes(value)) values.push(value);
  } while (reader.skip(","));
  if (!reader.skip("]")) throw reader.unexpected("`,` or `]`");
  return values;
}

function parseLiteral(reader: TokenReader): LiteralValue {
  const token = reader.peek;
  if (token.kind === "string") {
    let text = "";
    while (reader.peek.kind === "string") text += reader.read().text; // 'a' 'b' is 'ab', as in Python
    return text;
  }
  if (token.kind === "number") {
    const value = /^(0|[1-9][0-9]*)$/.test(token.text) ? Number(token.text) : Number.NaN;
    if (Number.isSafeInteger(value)) {
      reader.read();
      return value;
    }
    throw reader.source.error(
      token.at,
      `\`${token.text}\` cannot be a value of a Literal`,
      "Numbers are whole, decimal and below 2^53.",
    );
  }
  const constant = token.kind === "name" ? constants.get(token.text) : undefined;
  if (constant !== undefined) {
    reader.read();
    return constant;
  }
  throw reader.unexpected("a string, a whole number, True, False or None");
}

const constants = new Map<string, boolean | null>([
  ["True", true],
  ["False", false],
  ["None", null],
]);

/** Flattened and without duplicates, as Python's `typing.Union` does it. */
function union(parts: readonly TypeNode[]): TypeNode {
  const members = new Map<string, TypeNode>();
  for (const part of parts)
    for (const member of part.kind === "union" ? part.members : [part]) {
      const text = typeText(member);
      if (!members.has(text)) members.set(text, member);
    }
  const [only, ...others] = members.values();
  return others.length === 0 ? only! : { kind: "union", members: [only!, ...others] };
}

function isKey(type: TypeNode): boolean {
  if (type.kind === "literal")
    return type.values.every((value) => typeof value === "string" || typeof value === "number");
  return type.kind === "str" || type.kind === "int";
}

function noneAlone(reader: TokenReader, at: number) {
  return reader.source.error(
    at,
    "`None` stands alone",
    "DSPy would read str; use it in a union: `T | None`.",
  );
}

function unsupported(reader: TokenReader, name: string, at: number) {
  const known = Object.hasOwn(meant, name) ? meant[name] : undefined;
  return reader.source.error(
    at,
    `the type \`${name}\` is not supported by this version`,
    known === undefined ? `Use ${supported}.` : `Did you mean \`${known}\`?`,
  );
}
