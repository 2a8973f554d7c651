import { describe, expect, it } from "@jest/globals";
import { runInNewContext } from "node:vm";
import { DspexError } from "@dspex/core";
import { signature, validateFields, type Side } from "@dspex/signatures";

const { spec } = signature(`
  text, n: int, x: float, sure: bool, tags: list[str], anything: list, scores: dict[str, list[float]], byId: dict[int, str],
  kind: Literal['a', 1, True], note: Optional[str], either: int | list[int] -> answer`);

const good = {
  text: "",
  n: -3,
  x: 0.5,
  sure: false,
  tags: ["a"],
  anything: [1, "b", null],
  scores: { a: [0.1, 2], b: [] },
  byId: { "-1": "x", "20": "y" },
  kind: 1,
  note: null,
  either: [1],
};

function mismatch(value: unknown, side: Side = "input"): { code: string; message: string } & object {
  try {
    validateFields(spec.inputs, value, side);
  } catch (error) {
    if (DspexError.is(error, side === "input" ? "ERR_INVALID_INPUT" : "ERR_INVALID_OUTPUT"))
      return { code: error.code, message: error.message, ...error.details };
    throw error;
  }
  throw new Error("accepted");
}

describe("validation of a signature's fields", () => {
  it("accepts what fits", () => {
    expect(() => validateFields(spec.inputs, good, "input")).not.toThrow();
  });

  it.each<[string, unknown, string]>([
    ["text", 1, "str"],
    ["text", null, "str"],
    ["n", 1.5, "int"],
    ["n", "1", "int"],
    ["n", true, "int"],
    ["n", 2 ** 53, "int"],
    ["x", "0.5", "float"],
    ["sure", 1, "bool"],
    ["tags", "a", "list[str]"],
    ["tags", { 0: "a" }, "list[str]"],
    ["anything", new Set([1]), "list"],
    ["scores", [], "dict[str, list[float]]"],
    ["scores", new Map(), "dict[str, list[float]]"],
    ["kind", "1", "Literal['a', 1, True]"],
    ["kind", false, "Literal['a', 1, True]"],
    ["note", 0, "str | None"],
    ["either", ["1"], "int | list[int]"],
  ])("rejects for `%s` the value %p: it must be %s", (field, value, expected) => {
    expect(mismatch({ ...good, [field]: value })).toMatchObject({
      code: "ERR_INVALID_INPUT",
      field,
      expected,
    });
  });

  it.each<[string, object, string, string, string]>([
    ["in a list", { tags: ["a", 2] }, "tags[1]", "str", "2"],
    ["in a list of a dict", { scores: { a: [1], b: [1, "2"] } }, 'scores["b"][1]', "float", '"2"'],
    ["at a key", { byId: { "1": "x", "1.0": "y" } }, 'byId["1.0"]', "int", '"1.0"'],
  ])("names the place %s", (_where, change, field, expected, received) => {
    expect(mismatch({ ...good, ...change })).toMatchObject({
      field,
      expected,
      received,
      message: `The input \`${field}\` must be ${expected}; received ${received}.`,
    });
  });

  it("rejects a missing field, also one that may be null: DSPy requires every input", () => {
    const { note: _note, ...without } = good;
    expect(mismatch(without)).toEqual({
      code: "ERR_INVALID_INPUT",
      message: "The input `note` is missing; it must be str | None; received nothing.",
      field: "note",
      expected: "str | None",
      received: "nothing",
    });
    expect(mismatch({ ...good, note: undefined })).toMatchObject({ field: "note" });
  });

  it("rejects an unknown field and lists those that exist; an undefined one counts as left out", () => {
    expect(mismatch({ ...good, txet: "?" }).message).toMatch(
      /^There is no input `txet`; the fields are text: str, n: int, /,
    );
    expect(() => validateFields(spec.inputs, { ...good, txet: undefined }, "input")).not.toThrow();
  });

  it.each([[null], ["text"], [[]], [new Date()]])("rejects %p in place of an object", (value) => {
    expect(mismatch(value)).toMatchObject({ code: "ERR_INVALID_INPUT", field: "" });
  });

  it("does not take inherited members for fields", () => {
    const { inputs } = signature("constructor -> a").spec;
    expect(() => validateFields(inputs, {}, "input")).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_INPUT" }),
    );
  });

  it("takes objects of another realm", () => {
    const value = runInNewContext(`(${JSON.stringify(good)})`) as unknown;
    expect(() => validateFields(spec.inputs, value, "input")).not.toThrow();
  });

  it("reports outputs with a code of their own", () => {
    expect(mismatch({ ...good, n: "7" }, "output")).toMatchObject({
      code: "ERR_INVALID_OUTPUT",
      message: 'The output `n` must be int; received "7".',
    });
  });

  it("G4: shortens what it shows of a value", () => {
    const { message } = mismatch({ ...good, n: "x".repeat(100_000) });
    expect(message.length).toBeLessThan(250);
  });
});
