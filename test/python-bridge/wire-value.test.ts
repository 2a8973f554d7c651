import { describe, expect, it } from "@jest/globals";
import { jsonLinesCodec, msgpackCodec, ndArray, toWire } from "@dspex/python-bridge";
import { crossed as crossedWith, everything, frameBytes, framesIn } from "./frames.ts";

const crossed = (value: unknown): unknown => crossedWith(msgpackCodec, toWire(value));
const hex = (value: unknown): string => {
  const [frame] = framesIn(msgpackCodec, frameBytes(msgpackCodec, 12, toWire(value)));
  return Buffer.from(frame!.body).toString("hex");
};

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
    expect(hex(2 ** 40)).toBe("d30000010000000000");
    expect(hex({ a: [2 ** 40] })).toBe("81a16191d30000010000000000");
  });

  it("bring large integers back as numbers when they are safe, else as bigint", () => {
    expect(crossed(2n ** 40n)).toBe(2 ** 40);
    expect(crossed(2n ** 60n)).toBe(2n ** 60n);
  });

  it("leave undefined fields out, without touching the caller's object", () => {
    const value = { a: undefined, b: 1 };
    expect(hex(value)).toBe("81a16201");
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

  it("keep what was let through before as it is", () => {
    const value = { at: new Date(0), vector: new Float32Array(2), zero: -0, large: 2n ** 70n };
    expect(toWire(toWire(value))).toEqual(toWire(value));
    expect(crossed(toWire(value))).toEqual({ ...value, vector: ndArray(value.vector) });
  });

  it("leave large bytes and arrays where they are, and small ones within", () => {
    const large = new Float32Array(100_000);
    const bytes = new Uint8Array(70_000);
    const { body, segments } = msgpackCodec.encode(
      4,
      toWire([large, bytes, new Float32Array(4)]),
      everything,
    );
    expect(body.length).toBeLessThan(100);
    expect(segments.map(({ buffer }) => buffer)).toEqual([large.buffer, bytes.buffer]);
    expect(segments[0]!.buffer).toBe(large.buffer);
    expect(msgpackCodec.decode({ kind: 4, body, segments })).toEqual([
      ndArray(large),
      Buffer.from(bytes),
      ndArray(new Float32Array(4)),
    ]);
  });

  it("copy small bytes out of the chunk that they came in", () => {
    const chunk = frameBytes(msgpackCodec, 4, toWire([Buffer.from("small"), new Float32Array(2)]));
    const [bytes, array] = msgpackCodec.decode(framesIn(msgpackCodec, chunk)[0]!) as [
      Buffer,
      { data: Float32Array },
    ];
    expect(bytes.buffer.byteLength).toBe(5);
    expect(array.data.buffer.byteLength).toBe(8);
  });

  it.each(["datetime", "bigint", "ndarray"])("are not sent to a worker that takes no %s", (capability) => {
    const value = { datetime: new Date(0), bigint: 2n ** 70n, ndarray: new Float32Array(1) }[capability];
    for (const codec of [msgpackCodec, jsonLinesCodec])
      expect(() => codec.encode(4, toWire({ value }), new Set())).toThrow(
        expect.objectContaining({
          code: "ERR_NOT_SERIALIZABLE",
          message: expect.stringContaining(capability),
        }),
      );
  });

  it("send large bytes within the value to a worker that takes no chunks", () => {
    for (const codec of [msgpackCodec, jsonLinesCodec]) {
      const { frame, segments } = codec.encode(4, toWire(Buffer.alloc(70_000, 1)), new Set());
      expect(segments).toEqual([]);
      expect(codec.decode(framesIn(codec, frame)[0]!)).toEqual(Buffer.alloc(70_000, 1));
    }
  });
});

describe("an ndArray", () => {
  it.each([
    ["a shape that does not fit", () => ndArray(new Float32Array(4), { shape: [3] })],
    ["a negative dimension", () => ndArray(new Float32Array(4), { shape: [-2, -2] })],
    ["65 dimensions", () => ndArray(new Float32Array(1), { shape: Array(65).fill(1) as number[] })],
    ["booleans in floats", () => ndArray(new Float32Array(4), { dtype: "bool" })],
    ["what is no typed array", () => ndArray([1, 2] as unknown as Float32Array)],
  ])("is not made with %s", (_what, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
  });

  it("does not change with the list that was its shape", () => {
    const shape = [2, 2];
    const array = ndArray(new Float32Array(4), { shape });
    shape[0] = 9;
    expect(array.shape).toEqual([2, 2]);
    expect(Object.isFrozen(array)).toBe(true);
  });
});
