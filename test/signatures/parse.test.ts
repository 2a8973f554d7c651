import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { DspexError } from "@dspex/core";
import { signature, typeText, type TypeNode } from "@dspex/signatures";
import fc from "fast-check";

/** The text comes from a variable: the compiler cannot refuse it first. */
const parse = (text: string) => signature(text).spec;

function problem(text: string): { position: number; problem: string; remedy: string; message: string } {
  try {
    parse(text);
  } catch (error) {
    if (DspexError.is(error, "ERR_SIGNATURE")) return { ...error.details, message: error.message };
    throw error;
  }
  throw new Error(`${text} was accepted`);
}

const str: TypeNode = { kind: "str" };

describe("the tree of a signature", () => {
  it("holds inputs and outputs in their order, str where no type is given", () => {
    expect(parse("question, context: list[str] -> answer, confidence: float")).toEqual({
      instructions: null,
      inputs: [
        { name: "question", type: str, desc: null },
        { name: "context", type: { kind: "list", item: str }, desc: null },
      ],
      outputs: [
        { name: "answer", type: str, desc: null },
        { name: "confidence", type: { kind: "float" }, desc: null },
      ],
    });
  });

  it("holds instructions and descriptions", () => {
    const { spec } = signature("question -> answer", {
      instructions: "Be brief.",
      descriptions: { answer: "one word" },
    });
    expect(spec).toEqual({
      instructions: "Be brief.",
      inputs: [{ name: "question", type: str, desc: null }],
      outputs: [{ name: "answer", type: str, desc: "one word" }],
    });
  });

  it("refuses a description of a field that it does not have", () => {
    const descriptions: Record<string, string> = { questoin: "from a user" };
    expect(() => signature("question -> answer" as string, { descriptions })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
    );
  });

  it.each<[string, TypeNode]>([
    ["list", { kind: "list", item: null }],
    ["dict", { kind: "dict", key: null, value: null }],
    ["dict[int, list]", { kind: "dict", key: { kind: "int" }, value: { kind: "list", item: null } }],
    ["Optional[int]", { kind: "union", members: [{ kind: "int" }, { kind: "none" }] }],
    ["None | int", { kind: "union", members: [{ kind: "none" }, { kind: "int" }] }],
    ["Union[int, str | None]", { kind: "union", members: [{ kind: "int" }, str, { kind: "none" }] }],
    ["Union[bool, bool]", { kind: "bool" }],
    ["Literal['a', \"it's\", 1, True, None, 'a']", { kind: "literal", values: ["a", "it's", 1, true, null] }],
    ["Literal['a' 'b', 'c\\n']", { kind: "literal", values: ["ab", "c\n"] }],
  ])("reads %s", (text, type) => {
    expect(parse(`q -> a: ${text}`).outputs).toEqual([{ name: "a", type, desc: null }]);
  });

  it("is plain data that survives JSON", () => {
    const spec = parse("q: Optional[Literal['a', 1]] -> a: dict[str, list[int | None]], b");
    expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
  });

  it("comes back from its own notation, for every type", () => {
    const simple = fc.constantFrom<TypeNode>(str, { kind: "int" }, { kind: "float" }, { kind: "bool" });
    const values = fc.uniqueArray(
      fc.oneof(
        fc.string({ unit: "grapheme" }).map((s) => s.replace(/[\p{Cc}\u{2028}\u{2029}]|->/gu, "\n")),
        fc.nat(),
        fc.boolean(),
        fc.constant(null),
      ),
      { minLength: 1, maxLength: 5 },
    );
    const literal = values.map((of): TypeNode => ({ kind: "literal", values: of }));
    const { type } = fc.letrec<{ type: TypeNode }>((tie) => ({
      type: fc.oneof(
        { maxDepth: 4 },
        simple,
        literal,
        fc.option(tie("type")).map((item): TypeNode => ({ kind: "list", item })),
        tie("type").map((value): TypeNode => ({ kind: "dict", key: str, value })),
        fc
          .uniqueArray(
            fc.oneof(
              simple,
              literal,
              tie("type").map((item): TypeNode => ({ kind: "list", item })),
              fc.constant<TypeNode>({ kind: "none" }),
            ),
            { minLength: 2, maxLength: 4, selector: typeText },
          )
          .map((members): TypeNode => ({ kind: "union", members })),
      ),
    }));
    fc.assert(
      fc.property(type, (node) => {
        expect(parse(`q -> a: ${typeText(node)}`).outputs[0]!.type).toEqual(node);
      }),
    );
  });
});

describe("the error of a text that is not a signature", () => {
  it("names the position, the problem, the surroundings and the remedy", () => {
    const text = "question: str, photo: dspy.Image -> answer";
    const { message, ...details } = problem(text);
    expect(details).toEqual({
      text,
      position: text.indexOf("dspy"),
      problem: "the type `dspy.Image` is not supported by this version",
      remedy: "Use str, int, float, bool, list, dict, Literal, Optional, Union and None.",
    });
    expect(message).toBe(
      "Invalid signature: the type `dspy.Image` is not supported by this version, at position 22: " +
        '"question: str, photo: ⟨here⟩dspy.Image -> answer". ' +
        "Use str, int, float, bool, list, dict, Literal, Optional, Union and None.",
    );
  });

  it.each([
    ["q: string -> a", 3, "Did you mean `str`?"],
    ["q: List[int] -> a", 3, "Did you mean `list`?"],
    ["q -> a: tuple[int, str]", 8, "Use str, int,"],
    ["a: int = 3 -> b", 7, "DSPy ignores default values; leave it out."],
    ["a, *, b -> c", 3, "DSPy drops starred and keyword-only parameters; leave it out."],
    ["a, /, b -> c", 3, "DSPy drops positional-only parameters; leave it out."],
    ["a, b: int, a -> c", 11, "Give every field a name of its own."],
    ["value -> value", 9, "Give every field a name of its own."],
    ["a, b: None -> c", 6, "use it in a union"],
    ["ﬁeld -> a", 0, "write `field`"],
    ["config -> a", 0, "Rename the input."],
    ["q -> a: Literal['x]", 16, "Close the quote on the same line."],
    ["q -> a: Literal['''x''']", 16, "Quote it once."],
    ["q -> a: Literal['x\\d']", 18, "Write the character itself"],
    ["q -> a: Literal[1.5]", 16, "Numbers are whole"],
    ["q -> a: dict[list[str], int]", 13, "Keys are str, int or a Literal of these."],
    ["q -> a: dict[str]", 12, "Write `dict[K, V]`."],
    ["q -> a: Optional", 8, "Write `Optional[…]`."],
    ["q # not ended -> a", 2, "A comment must end with a line break."],
    ["question", 8, 'Write "inputs -> outputs"'],
    ["q -> a: Literal['x -> y']", 19, "exactly one, even within quotes"],
  ])("in %j is at %i: %s", (text, position, remedy) => {
    const found = problem(text);
    expect(found).toMatchObject({ position });
    expect(found.remedy).toContain(remedy);
  });

  it("comes for every text that the compiler refuses", () => {
    const typeTests = readFileSync(new URL("../types/signatures.test-d.ts", import.meta.url), "utf8");
    const refused = [...typeTests.matchAll(/@ts-expect-error .*\nsignature\(("[^"]*")\);/g)];
    expect(refused.length).toBeGreaterThan(20);
    for (const [, text] of refused) problem(JSON.parse(text!) as string);
  });

  it("G4: comes before the stack is full, however deep the text is nested", () => {
    const nested = (depth: number) => `q -> a: ${"list[".repeat(depth)}int${"]".repeat(depth)}`;
    expect(parse(nested(32)).outputs).toHaveLength(1);
    expect(problem(nested(33)).problem).toBe("types are nested more than 32 deep");
    expect(problem(nested(100_000)).problem).toBe("types are nested more than 32 deep");
    expect(problem(`q -> a: ${"(".repeat(100_000)}`).problem).toBe("types are nested more than 32 deep");
  });

  it("is the only thing thrown, whatever the text", () => {
    const piece = fc.constantFrom(
      "a",
      "b",
      "int",
      "list",
      "dict",
      "Literal",
      "Optional",
      "None",
      "[",
      "]",
      "(",
      ")",
      ",",
      ":",
      "|",
      "->",
      "'",
      '"',
      "\\",
      "#",
      "\n",
      " ",
      "=",
      "*",
      "1",
      "_",
      "é",
      "\u{1F642}",
      "\uD800",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          parse(pieces.join(""));
        } catch (error) {
          expect(DspexError.is(error, "ERR_SIGNATURE")).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
