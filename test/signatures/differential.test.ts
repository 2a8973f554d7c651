import { spawnSync } from "node:child_process";
import { describe, expect, it } from "@jest/globals";
import { DspexError } from "@dspex/core";
import fc from "fast-check";
import { findEnvironment } from "@dspex/python-bridge/environment";
import { signature, typeText, type FieldSpec, type TypeNode } from "@dspex/signatures";

/**
 * Real DSPy reads every text and says what it made of it: per side `[name, type]`, the type in one canonical notation.
 * Members of a union are sorted, because Python's order depends on what the process made before: `typing` caches unions by
 * their members as a set.
 */
const readByDspy = `
import json, sys, types, typing, warnings
warnings.simplefilter("ignore")
import dspy

def show(t):
    origin, args = typing.get_origin(t), typing.get_args(t)
    if t is type(None) or t is None: return "None"
    if origin in (typing.Union, types.UnionType): return " | ".join(sorted(show(a) for a in args))
    if origin is typing.Literal: return "Literal[" + ", ".join(json.dumps(a, ensure_ascii=False, default=repr) for a in args) + "]"
    if origin is None: return t.__name__ if isinstance(t, type) else repr(t)
    return origin.__name__ + "[" + ", ".join(show(a) for a in args) + "]"

def read(text):
    try:
        s = dspy.Signature(text)
        sides = [[[n, show(f.annotation)] for n, f in fields.items()] for fields in (s.input_fields, s.output_fields)]
        return {"inputs": sides[0], "outputs": sides[1]}
    except Exception as error:
        return {"error": type(error).__name__}

json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
`;

/** Texts on which both must agree: rejected by both, or the same names and types in the same order. */
const agreed = [
  "question -> answer",
  "question: str, context: list[str] -> answer: Literal['a','b'], score: float",
  "a: int, b: float, c: bool, d: str -> e",
  "q -> a: list, b: dict",
  "q -> a: list[int]",
  "q -> a: list[list[list[str]]]",
  "q -> a: dict[str, int]",
  "q -> a: dict[int, str]",
  "q -> a: dict[str, list[dict[str,int]]]",
  "q -> a: dict[Literal['x', 'y'], list[float]]",
  "q -> a: list[Literal['a', 'b']]",
  "q -> a: list[int | None]",
  "q -> a: list[Optional[str]], b: bool",
  "q: int | None -> a",
  "q: None | int -> a",
  "q: Optional[int] -> a",
  "q: Optional[int | str] -> a",
  "q: Optional[Optional[int]] -> a",
  "q: Optional[None | int] -> a",
  "q: Optional[int,] -> a",
  "q: Optional[Literal['a', 'b']] -> a",
  "q: Union[int, str] -> a",
  "q: Union[int, str, None] -> a",
  "q: Union[int] -> a",
  "q: Union[int, int] -> a",
  "q: Union[int, Union[str, float]] -> a",
  "q: Union[int, str,] -> a",
  "q: str | (int | float) | None -> a",
  "q: int | int -> a",
  "q: list[int] | list[str] -> a",
  "q: list[int] | list[int] -> a",
  "q: (int) -> a",
  "q: ((list[(int)])) -> a",
  "q: (None) | int -> a",
  "q: bool | int | float -> a",
  "q -> a: Literal['a', 'a', 'b']",
  "q -> a: Literal['a',]",
  'q -> a: Literal[\'it\\\'s\', "he said \\"hi\\""]',
  'q -> a: Literal["it\'s", \'he said "hi"\']',
  "q -> a: Literal['tab\\t', 'line\\n', 'back\\\\slash']",
  "q -> a: Literal['a' 'b', 'c']",
  "q -> a: Literal['a, b', '[c]', 'd: e', '# f', '| g']",
  "q -> a: Literal[1, 2, 30]",
  "q -> a: Literal[0, 1, True, False, None]",
  "q -> a: Literal['']",
  "q -> a: Literal['é', '答え', '🙂']",
  "q -> a: Literal['a', 'b'] | None",
  "q -> a: Literal['a'] | Literal['b']",
  "a, b, c, -> d,",
  "a,\n  b: int,\n  c\n  -> d",
  "\n  a,\n\n  b: list[\n    str\n  ]\n-> c\n",
  "a,\tb\t:\tint -> c",
  "a, # the first, really\n b -> c",
  "a: list[ # of what?\n str] -> c",
  "a : list [ str ] , b:dict [str,int]->c",
  " -> answer",
  "question -> ",
  "->",
  "naïve -> 答え",
  "match, case, type -> print",
  "camelCase, snake_case, T45, a1 -> B",
  "copy, json, schema -> items, keys",
  "q -> prediction, config, demos, lm",
  "constructor, toString, hasOwnProperty -> valueOf",
  // Rejected by both.
  "",
  "question",
  "q => a",
  "a -> b -> c",
  "a --> b -> c",
  "q -> a: Literal['x -> y']",
  "a # -> b\n -> c",
  "value -> value",
  "a, b -> b, a",
  "from -> to",
  "q -> class",
  "None -> a",
  "_private -> a",
  "q -> __proto__",
  "1st -> a",
  "my-field -> a",
  "my field -> a",
  "a.b -> c",
  "a,, b -> c",
  ", a -> c",
  "q, -> ,",
  "q: -> a",
  ": int -> a",
  "q: int: str -> a",
  "q: any -> a",
  "q: strr -> a",
  "q: string -> a",
  "q: Code[python] -> a",
  "q: 'ForwardRef' -> a",
  "q: 5 -> a",
  "q: int() -> a",
  "q: list() -> a",
  "q: lambda -> a",
  "q: int str -> a",
  "q: int | -> a",
  "q: | int -> a",
  "q: int & str -> a",
  "q: list[] -> a",
  "q: list[str -> a",
  "q: list str] -> a",
  "q: (int -> a",
  "q: list[int][str] -> a",
  "q: str[int] -> a",
  "q: Optional[int, str] -> a",
  "q: Optional -> a",
  "q: Union -> a",
  "q: Literal -> a",
  "q: Union[] -> a",
  "q: Literal[] -> a",
  "q -> a: Literal[1, -3]",
  "q -> a: Literal[f'x']",
  "q -> a: Literal['a\n']",
  "q -> a: Literal['a]",
  "q -> a: Literal[a]",
  "q -> a: Literal[007]",
  "q # a comment that eats the rest -> a",
  "q: __import__('os') -> a",
  "q -> signature",
  "fields -> a",
  "q -> instructions, a",
  "model_config -> a",
  "q\u00a0, b -> c",
];

/** Texts that DSPy accepts and this parser does not, each with the reason. */
const stricter: Readonly<Record<string, readonly string[]>> = {
  "it is more than parameters": ["a): pass\ndef g(b -> c"],
  "DSPy ignores the default": ["a: int = 3, b='x' -> c", "a=None -> c"],
  "DSPy drops these parameters": ["a, /, b -> c", "a, *, b -> c", "*args, **kw -> c", "a, *rest -> c"],
  "DSPy collapses them, the last type wins": ["a, a -> b", "a: int, a: str -> b", "q -> a, a: int"],
  "DSPy reads None alone as str": ["a, b: None -> c", "q -> a: (None)", "q -> a: Union[None]"],
  "Python renames the field": ["ﬁeld -> a", "ℌello -> a"],
  "Predict keeps the name for itself": ["config -> a", "demos, lm -> a", "prediction -> a", "self -> a"],
  "None is a type only in a union": [
    "q -> a: list[None]",
    "q -> a: dict[str, None]",
    "q -> a: Optional[None]",
  ],
  "Literals hold plain strings and whole numbers": [
    "q -> a: Literal[1.5]",
    "q -> a: Literal[b'x']",
    "q -> a: Literal[r'x', u'y']",
    "q -> a: Literal['''x''']",
    "q -> a: Literal['\\x41']",
    "q -> a: Literal[1_000, 0x10]",
    "q -> a: Literal[9007199254740993]",
    "q -> a: Literal[('a', 'b')]",
    "q -> a: Literal[Literal['a'], 'b']",
  ],
  "keys are text": [
    "q -> a: dict[float, str]",
    "q -> a: dict[bool, int]",
    "q -> a: dict[Literal[True], int]",
  ],
  "not in the supported grammar": [
    "q -> a: tuple[int, str]",
    "q -> a: Tuple[int, ...]",
    "q -> a: set[str]",
    "q -> a: bytes",
    "q -> a: Any",
    "q -> a: List[int], b: Dict[str, int]",
    "q -> a: typing.Optional[int]",
    "q -> a: int | NoneType",
    "q -> a: Sequence[int]",
    "q -> a: datetime.datetime",
    "q: dspy.Image -> a",
    "q: list[dspy.Tool] -> a: dspy.ToolCalls",
    "q -> a: Annotated[int, Field(ge=1)]",
  ],
};

type Reading = { inputs: [string, string][]; outputs: [string, string][] } | { error: string };

/** As `show` of the Python side. */
function canonical(type: TypeNode): string {
  switch (type.kind) {
    case "literal":
      return `Literal[${type.values.map((value) => JSON.stringify(value)).join(", ")}]`;
    case "list":
      return type.item === null ? "list" : `list[${canonical(type.item)}]`;
    case "dict":
      return type.key === null || type.value === null
        ? "dict"
        : `dict[${canonical(type.key)}, ${canonical(type.value)}]`;
    case "union":
      return type.members.map(canonical).sort().join(" | ");
    case "str":
    case "int":
    case "float":
    case "bool":
    case "none":
      return typeText(type);
  }
}

function readHere(text: string): Reading {
  const side = (fields: readonly FieldSpec[]) =>
    fields.map(({ name, type }): [string, string] => [name, canonical(type)]);
  try {
    const { spec } = signature(text);
    return { inputs: side(spec.inputs), outputs: side(spec.outputs) };
  } catch (error) {
    if (DspexError.is(error, "ERR_SIGNATURE")) return { error: error.code };
    throw error;
  }
}

function readThere(texts: readonly string[]): Reading[] {
  const environment = findEnvironment();
  if (environment === undefined)
    throw new Error("There is no Python environment yet: run `npx dspex setup`.");
  const python = spawnSync(environment.python, ["-c", readByDspy], {
    input: JSON.stringify(texts),
    encoding: "utf8",
    maxBuffer: 2 ** 24,
  });
  if (python.status !== 0) throw new Error(`Python failed: ${python.stderr}`);
  return JSON.parse(python.stdout) as Reading[];
}

/** Texts of the grammar's own pieces, most of them wrong somewhere. */
function randomTexts(count: number): string[] {
  const name = fc.constantFrom("a", "b", "c", "d", "e1", "from");
  const literal = fc.constantFrom("'x'", '"it\'s"', "'a, b'", "1", "20", "True", "None", "'p' 'q'", "-1");
  const list = <T>(item: fc.Arbitrary<T>) =>
    fc.array(item, { maxLength: 3 }).map((items) => items.join(", "));
  const { type } = fc.letrec<{ type: string }>((tie) => ({
    type: fc.oneof(
      { maxDepth: 2 },
      fc.constantFrom("str", "int", "float", "bool", "list", "dict", "None", "strr"),
      tie("type").map((of) => `list[${of}]`),
      fc
        .tuple(fc.constantFrom("list", "dict", "Optional", "Union"), list(tie("type")))
        .map(([of, types]) => `${of}[${types}]`),
      fc.tuple(tie("type"), tie("type")).map(([key, value]) => `dict[${key}, ${value}]`),
      fc.tuple(tie("type"), tie("type")).map((types) => types.join(" | ")),
      tie("type").map((of) => `(${of})`),
      list(literal).map((values) => `Literal[${values}]`),
    ),
  }));
  return fc.sample(
    fc.tuple(name, type).map(([of, is]) => `${of}: ${is} -> a`),
    { numRuns: count, seed: 42 },
  );
}

describe("signatures beside the real dspy.Signature", () => {
  const random = randomTexts(1_000);
  const corpus = [...agreed, ...Object.values(stricter).flat(), ...random];
  const readings = readThere(corpus);
  const dspy = new Map(corpus.map((text, i) => [text, readings[i]!]));

  it.each(agreed)("agrees on %j", (text) => {
    const [ours, theirs] = [readHere(text), dspy.get(text)!];
    if ("error" in theirs) expect(ours).toEqual({ error: "ERR_SIGNATURE" });
    else expect(ours).toEqual(theirs);
  });

  it.each(Object.entries(stricter).flatMap(([why, texts]) => texts.map((text) => [text, why])))(
    "rejects %j, which DSPy accepts: %s",
    (text) => {
      expect(dspy.get(text)).toHaveProperty("inputs");
      expect(readHere(text)).toEqual({ error: "ERR_SIGNATURE" });
    },
  );

  it("accepts no random text that DSPy rejects, and reads those it accepts as DSPy does", () => {
    const accepted = random.filter((text) => !("error" in readHere(text)));
    expect(accepted.length).toBeGreaterThan(100);
    for (const text of accepted) expect([text, readHere(text)]).toEqual([text, dspy.get(text)]);
  });
});
