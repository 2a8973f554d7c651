import { describe, expect, it } from "@jest/globals";
import { decode, encode, toWire } from "@dspex/python-bridge";

const crossed = (value: unknown): unknown => decode(encode(toWire(value)));

describe("values on the wire", () => {
  it.each([
    ["null", null],
    ["text", "naïve 答え"],
    ["whole numbers", [0, -1, 2 ** 31, 2 ** 32, -(2 ** 40), Number.MAX_SAFE_INTEGER]],
    ["fractions", [0.5, -1e-7, 1e300]],
    ["nested plain data", { a: [{ b: [1, "x", true, null] }], c: {} }],
    ["a big integer", 2n ** 63n],
  ])("carry %s unchanged", (_what, value) => {
    expect(crossed(value)).toEqual(value);
  });

  it("write whole numbers beyond 2^32 as integers, not as floats", () => {
    expect(encode(toWire(2 ** 40)).toString("hex")).toBe("d30000010000000000");
    expect(encode(toWire({ a: [2 ** 40] })).toString("hex")).toBe("81a16191d30000010000000000");
  });

  it("bring large integers back as numbers when they are safe, else as bigint", () => {
    expect(crossed(2n ** 40n)).toBe(2 ** 40);
    expect(crossed(2n ** 60n)).toBe(2n ** 60n);
  });

  it("leave undefined fields out, without touching the caller's object", () => {
    const value = { a: undefined, b: 1 };
    expect(encode(toWire(value)).toString("hex")).toBe("81a16201");
    expect(Object.keys(value)).toEqual(["a", "b"]);
    expect(crossed([undefined])).toEqual([null]);
  });

  it("replace lone surrogates", () => {
    expect(crossed("a\ud800b")).toBe("a\ufffdb");
  });

  it("carry bytes", () => {
    expect(Buffer.from(crossed(new Uint8Array([1, 2, 255])) as Uint8Array)).toEqual(Buffer.from([1, 2, 255]));
  });

  it("return what needs no change as it is: no copy on the usual path", () => {
    const value = { question: "x", context: ["a", "b"], n: 1, nan: Number.NaN };
    expect(toWire(value)).toBe(value);
  });

  const cyclic: unknown[] = [];
  cyclic.push({ again: cyclic });
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  it.each([
    ["a Date", { at: new Date(0) }, "value.at"],
    ["a Map", [new Map()], "value[0]"],
    ["a float array", { deep: [{ vector: new Float32Array(2) }] }, "value.deep[0].vector"],
    ["a function", { f: () => 1 }, "value.f"],
    ["a symbol", [Symbol("x")], "value[0]"],
    ["an integer of more than 64 bits", 2n ** 64n, "value"],
    ["a class instance", { user: new (class User {})() }, "value.user"],
    ["the key __proto__", JSON.parse('{"a":{"__proto__":1}}'), "value.a.__proto__"],
    ["a cycle", cyclic, "value[0].again"],
    ["513 levels", nested(513), "value[0]"],
  ])("reject %s with its path", (_what, value, path) => {
    expect(() => toWire(value)).toThrow(expect.objectContaining({ code: "ERR_NOT_SERIALIZABLE" }));
    expect(() => toWire(value)).toThrow(path);
  });

  it("carry 512 levels", () => {
    expect(crossed(nested(512))).toEqual(nested(512));
  });
});
