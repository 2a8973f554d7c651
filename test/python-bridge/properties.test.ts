import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  isNdArray,
  jsonLinesCodec,
  msgpackCodec,
  ndArray,
  toWire,
  type NdArrayElements,
} from "@dspex/python-bridge";
import fc from "fast-check";
import { scaled, testSeed } from "../support/scale.ts";
import { crossed } from "./frames.ts";
import { WorkerClient } from "./worker-client.ts";

const seed = testSeed();

/** Any double, whole ones and negative zero among them. */
const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, 2 ** 32, 2 ** 53, -(2 ** 31) - 1),
);
/** Text with lone surrogates, and some that is common as a key. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  fc.constantFrom("a\ud800", "\udc00b", "__proto__", "constructor", "toJSON", "$float", "$$", "答え"),
);
const moment = fc.date({
  min: new Date("0001-01-01T00:00:00Z"),
  max: new Date("9999-12-31T23:59:59.999Z"),
  noInvalidDate: true,
});
const typedArray: fc.Arbitrary<NdArrayElements> = fc.oneof(
  fc.int8Array(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
);
const matrix = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }))
  .chain(([rows, columns]) =>
    fc
      .float64Array({ minLength: rows * columns, maxLength: rows * columns })
      .map((data) => ndArray(data, { shape: [rows, columns] })),
  );
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      fc.constantFrom(null, undefined, true, false),
      number,
      text,
      moment,
      typedArray,
      matrix,
      fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
      fc.uint8Array({ maxLength: 40 }),
    ),
    fc.array(tie("value"), { maxLength: 6 }),
    fc.dictionary(text, tie("value"), { maxKeys: 6, noNullPrototype: true }),
  ),
}));

/** What a value is when it comes back. */
function back(sent: unknown): unknown {
  switch (typeof sent) {
    case "string":
      return sent.toWellFormed();
    case "bigint":
      return sent >= -(2n ** 53n) && sent <= 2n ** 53n ? Number(sent) : sent;
    case "undefined":
      return null;
    case "object":
      return sent === null ? null : backObject(sent);
    default:
      return sent;
  }
}

function backObject(sent: object): unknown {
  if (Array.isArray(sent)) return sent.map(back);
  if (sent instanceof Uint8Array) return Buffer.from(sent);
  if (isNdArray(sent) || sent instanceof Date) return sent;
  if (ArrayBuffer.isView(sent)) return ndArray(sent as NdArrayElements);
  const map = Object.create(null) as Record<string, unknown>;
  for (const [name, item] of Object.entries(sent))
    if (item !== undefined) map[name.toWellFormed()] = back(item);
  return map;
}

describe(`any value (seed ${seed})`, () => {
  it.each([msgpackCodec, jsonLinesCodec])("comes out of $name as it went in", (codec) => {
    fc.assert(
      fc.property(value, (sent) => expect(crossed(codec, toWire(sent))).toEqual(back(sent))),
      { seed, numRuns: scaled(400) },
    );
  });

  it("is not changed by being sent", () => {
    fc.assert(
      fc.property(value, (sent) => {
        const before = structuredCloneOf(sent);
        toWire(sent);
        expect(sent).toEqual(before);
      }),
      { seed, numRuns: scaled(300) },
    );
  });

  describe.each(["msgpack", "json-lines"] as const)("over %s", (codec) => {
    let worker: WorkerClient;
    beforeAll(async () => {
      worker = await WorkerClient.start({ codec });
    }, 30_000);
    afterAll(() => worker[Symbol.asyncDispose]());

    it("goes to Python and comes back", async () => {
      const values = fc.array(value, { minLength: 50, maxLength: 50 });
      await fc.assert(
        fc.asyncProperty(values, async (sent) => {
          expect(await worker.call("wire_values:echo", sent)).toEqual(back(sent));
        }),
        { seed, numRuns: scaled(20) },
      );
    }, 600_000);

    it("comes from Python and goes back", async () => {
      for (let n = 0; n < scaled(20); n += 1) {
        const made = await worker.call("wire_properties:make", seed + n, 50);
        expect(await worker.call("wire_properties:compare", seed + n, 50, made)).toBe("");
      }
    }, 600_000);
  });
});

/** `structuredClone` knows neither our arrays nor prototypes; what is compared are fields and elements. */
function structuredCloneOf(sent: unknown): unknown {
  if (Array.isArray(sent)) return sent.map(structuredCloneOf);
  if (typeof sent !== "object" || sent === null || ArrayBuffer.isView(sent) || sent instanceof Date)
    return sent;
  if (isNdArray(sent)) return sent;
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [name, item] of Object.entries(sent)) copy[name] = structuredCloneOf(item);
  return copy;
}
