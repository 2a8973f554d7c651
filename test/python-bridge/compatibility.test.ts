import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ndArray, toWire } from "@dspex/python-bridge";
import { environmentWithout } from "../support/environment-without.ts";
import { WorkerClient, type CallFailed } from "./worker-client.ts";

// The compatibility table, row by row, through the real pair: TypeScript → a Python process → TypeScript. In an environment
// as most users have it: what numpy changes in it stands in numpy.test.ts.

const nested = (levels: number): unknown => {
  let value: unknown = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
};
const own = (json: string): unknown => JSON.parse(json) as unknown;

const startOf = (path: string): RegExp => new RegExp(`^${path.replaceAll(/[[\].]/g, "\\$&")}`);

describe.each(["msgpack", "json-lines"] as const)("the compatibility table row by row, over %s", (codec) => {
  let environment: Awaited<ReturnType<typeof environmentWithout>>;
  let worker: WorkerClient;
  beforeAll(async () => {
    environment = await environmentWithout("numpy");
    worker = await WorkerClient.start({ codec, python: environment.python });
  }, 30_000);
  afterAll(async () => {
    await worker[Symbol.asyncDispose]();
    await environment[Symbol.asyncDispose]();
  });

  describe("scenario 35: from TypeScript to Python and back", () => {
    it.each<[row: string, sent: unknown, seen: string, back?: unknown]>([
      ["null", null, "NoneType None"],
      ["booleans", [true, false], "list [bool True, bool False]"],
      ["text", "naïve 答え 🐍", "str 'naïve 答え 🐍'"],
      ["plain objects", { a: { b: [] } }, "dict {'a': dict {'b': list []}}"],
      ["an integer of 32 bits", 2 ** 32 - 1, "int 4294967295"],
      ["an integer beyond 32 bits", 2 ** 32, "int 4294967296"],
      ["a negative integer beyond 31 bits", -(2 ** 31) - 1, "int -2147483649"],
      ["a negative integer beyond 32 bits", -(2 ** 32), "int -4294967296"],
      ["the largest safe integer", Number.MAX_SAFE_INTEGER, "int 9007199254740991"],
      ["2^53", 2 ** 53, "int 9007199254740992"],
      ["a number beyond that", 2 ** 60, "float 1.152921504606847e+18"],
      ["a whole float, which JavaScript does not know", 1.0, "int 1"],
      ["a fraction", 0.1, "float 0.1"],
      ["whole floats in an array of floats", new Float64Array([1]), "memoryview d (1,) [1.0]", "array"],
      ["negative zero", -0, "float -0.0"],
      ["not a number", Number.NaN, "float nan"],
      ["infinities", [Infinity, -Infinity], "list [float inf, float -inf]"],
      ["a bigint of 64 bits", 2n ** 63n, "int 9223372036854775808"],
      ["a safe bigint", 2n ** 40n, "int 1099511627776", 2 ** 40],
      ["a bigint of 65 bits", 2n ** 64n, "int 18446744073709551616"],
      ["a large negative bigint", -(2n ** 200n), `int ${-(2n ** 200n)}`],
      ["undefined as a field", { a: undefined, b: 1 }, "dict {'b': int 1}", { b: 1 }],
      ["undefined elsewhere", [undefined], "list [NoneType None]", [null]],
      ["a lone surrogate", "a\ud800b", "str 'a�b'", "a\ufffdb"],
      ["a lone surrogate in a key", { "\udc00": 1 }, "dict {'�': int 1}", { "\ufffd": 1 }],
      ["bytes", Buffer.from([0, 255]), "bytes b'\\x00\\xff'"],
      ["bytes that are valid UTF-8", new Uint8Array([0x61]), "bytes b'a'", Buffer.from("a")],
      ["large bytes", Buffer.alloc(70_000, 7), `bytes b'${"\\x07".repeat(70_000)}'`],
      ["Float32Array", new Float32Array([0.5, 1]), "memoryview f (2,) [0.5, 1.0]", "array"],
      ["Int8Array", new Int8Array([-1]), "memoryview b (1,) [-1]", "array"],
      ["Int16Array", new Int16Array([-300]), "memoryview h (1,) [-300]", "array"],
      ["Uint16Array", new Uint16Array([65_535]), "memoryview H (1,) [65535]", "array"],
      ["Int32Array", new Int32Array([-70_000]), "memoryview i (1,) [-70000]", "array"],
      ["Uint32Array", new Uint32Array([2 ** 32 - 1]), "memoryview I (1,) [4294967295]", "array"],
      ["BigInt64Array", new BigInt64Array([-(2n ** 63n)]), `memoryview q (1,) [${-(2n ** 63n)}]`, "array"],
      [
        "BigUint64Array",
        new BigUint64Array([2n ** 64n - 1n]),
        `memoryview Q (1,) [${2n ** 64n - 1n}]`,
        "array",
      ],
      // Without numpy, an array of single bytes is nothing but bytes to Python.
      ["Uint8ClampedArray", new Uint8ClampedArray([9]), "memoryview B (1,) [9]", Buffer.from([9])],
      ["an empty typed array", new Float32Array(), "memoryview f (0,) []", "array"],
      [
        "a matrix",
        ndArray(new Float32Array([1, 2, 3, 4, 5, 6]), { shape: [2, 3] }),
        "memoryview f (2, 3) [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]",
      ],
      [
        "a matrix of booleans",
        ndArray(new Uint8Array([1, 0]), { shape: [1, 2], dtype: "bool" }),
        "memoryview ? (1, 2) [[True, False]]",
      ],
      [
        "Date",
        new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678)),
        "datetime datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)",
      ],
      [
        "a Date before 1970",
        new Date(-1),
        "datetime datetime.datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=datetime.timezone.utc)",
      ],
      ["the key __proto__", own('{"__proto__":{"a":1}}'), "dict {'__proto__': dict {'a': int 1}}"],
      ["keys of methods", { toJSON: 1, constructor: 2 }, "dict {'toJSON': int 1, 'constructor': int 2}"],
    ])("%s", async (...[, sent, seen, back]) => {
      expect(await worker.call("wire_values:see", sent)).toBe(seen);
      const expected = back === undefined ? sent : back === "array" ? ndArray(sent as Float32Array) : back;
      expect(await worker.call("wire_values:echo", sent)).toEqual(expected);
    });

    it("512 levels", async () => {
      // The list of arguments is the first level.
      expect(await worker.call("wire_values:depth", nested(511))).toBe(510);
      expect(await worker.call("wire_values:echo", nested(511))).toEqual(nested(511));
    });

    it("a map with the key __proto__ comes back as data, and reaches no prototype", async () => {
      const back = await worker.call("wire_values:echo", own('{"a":{"__proto__":{"polluted":1}}}'));
      const map = (back as { a: object }).a;
      expect(Object.keys(map)).toEqual(["__proto__"]);
      expect(Object.getPrototypeOf(map)).toBeNull();
      expect((map as { polluted?: number }).polluted).toBeUndefined();
    });

    const cyclic: unknown[] = [];
    cyclic.push({ again: cyclic });
    class User {
      name = "x";
    }
    it.each<[row: string, rejected: unknown, path: string, remedy: string]>([
      ["a function", { f: [() => 1] }, "value.f[0]", "Leave it out"],
      ["a symbol", [Symbol("x")], "value[0]", "Leave it out"],
      ["a Map", { m: new Map() }, "value.m", "Object.fromEntries(map)"],
      ["a Set", [new Set()], "value[0]", "[...set]"],
      ["an Error", { e: new Error("x") }, "value.e", "error.message"],
      ["a URL", { "the url": new URL("file:///x") }, 'value["the url"]', "url.href"],
      ["a RegExp", [/x/], "value[0]", "regExp.source"],
      ["a Promise", [Promise.resolve(1)], "value[0]", "what it resolves to"],
      ["an ArrayBuffer", [new ArrayBuffer(1)], "value[0]", "new Uint8Array(buffer)"],
      ["a DataView", [new DataView(new ArrayBuffer(1))], "value[0]", "view.byteOffset"],
      ["a boxed number", [Object(1)], "value[0]", "valueOf()"],
      ["a class instance", { user: new User() }, "value.user", "plain object"],
      ["an invalid Date", { at: new Date(Number.NaN) }, "value.at", "valid Date"],
      ["a Date after 9999", [new Date(8.64e15)], "value[0]", "text"],
      ["a bigint beyond 8,192 bytes", [2n ** 65_535n], "value[0]", "text"],
      ["513 levels", nested(513), "value[0]", "512 levels"],
      ["a cycle", cyclic, "value[0].again", "cycle"],
    ])("%s is rejected with its path and what to do", (_row, rejected, path, remedy) => {
      expect(() => toWire(rejected)).toThrow(
        expect.objectContaining({
          code: "ERR_NOT_SERIALIZABLE",
          details: expect.objectContaining({ path: expect.stringMatching(startOf(path)) }),
          message: expect.stringContaining(remedy),
        }),
      );
    });
  });

  describe("from Python to TypeScript", () => {
    it.each<[row: string, received: unknown]>([
      ["2^32", 2 ** 32],
      ["-2^40", -(2 ** 40)],
      ["2^53", 2 ** 53],
      ["2^53 + 1", 2n ** 53n + 1n],
      ["2^64 - 1", 2n ** 64n - 1n],
      ["2^64", 2n ** 64n],
      ["-2^200", -(2n ** 200n)],
      ["a float that is whole", 1],
      ["-0.0", -0],
      ["nan", Number.NaN],
      ["inf", Infinity],
      ["lone surrogate", "a\ufffdb"],
      ["lone surrogate in a key", { "a\ufffd": 1 }],
      ["bytes", Buffer.from([0, 255])],
      ["bytearray", Buffer.from([1])],
      ["bytes that are valid UTF-8", Buffer.from("text")],
      ["aware datetime", new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678))],
      ["aware datetime of another zone", new Date(Date.UTC(2026, 0, 2, 1, 4, 5))],
      ["naive datetime", "2026-01-02T03:04:05"],
      ["date", "2026-01-02"],
      ["int keys", { "1": "a", "-2": "b" }],
      ["None and bool keys", { null: 1, true: 2 }],
      ["__proto__", own('{"__proto__":{"polluted":true},"b":1}')],
      ["512 levels", nested(512)],
      ["array of floats", ndArray(new Float32Array([1.5, -2]))],
      ["matrix of int16", ndArray(new Int16Array([0, 1, 2, 3, 4, 5]), { shape: [2, 3] })],
      ["bool matrix", ndArray(new Uint8Array([1, 0]), { shape: [1, 2], dtype: "bool" })],
      ["set", ["a"]],
      ["Decimal", "1.50"],
      ["UUID", "00000000-0000-0000-0000-000000000001"],
      ["enum", "red"],
    ])("%s", async (row, received) => {
      expect(await worker.call("wire_values:make", row)).toEqual(received);
    });

    it.each<[row: string, path: string, remedy: string]>([
      ["tuple keys", "value.a", "texts"],
      ["two keys of one text", "value[0]", "different names"],
      ["513 levels", "value[0]", "512 levels"],
      ["a cycle", "value[0].again", "contains itself"],
      ["characters", "value[0]", "float32"],
      ["function", "value.f[0]", "return plain data"],
      ["iterator", "value", "list()"],
      ["a huge integer", "value[0]", "text"],
      ["struct", "value", "plain data"],
    ])("%s is rejected with its path and what to do", async (row, path, remedy) => {
      const failure = await worker.call("wire_values:make", row).then(
        () => undefined,
        (error: CallFailed) => error.wire,
      );
      expect(failure).toMatchObject({
        code: "unserializable_result",
        details: { path: expect.stringMatching(startOf(path)) },
        message: expect.stringContaining(remedy),
      });
    });
  });
});
