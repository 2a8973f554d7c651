import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { DspexError } from "@dspex/core";
import {
  jsonLinesCodec,
  kinds,
  msgpackCodec,
  openConnection,
  toWire,
  type CodecName,
  type WireCodec,
  type WorkerMessage,
} from "@dspex/python-bridge";
import { scaled, testSeed } from "../support/scale.ts";
import { everything, frameBytes } from "./frames.ts";
import { plain } from "./plain.ts";
import { Dice } from "../support/dice.ts";

const vectors = path.resolve(import.meta.dirname, "../../python-bridge/vectors");
const load = (name: string): unknown => JSON.parse(readFileSync(path.join(vectors, name), "utf8"));
const { frames } = load("frames.json") as { frames: { kind: number; value: unknown }[] };

const maxFrameBytes = 200_000;

/** What a worker may well say: each vector as a frame, and items in chunks. */
function corpusOf(codec: WireCodec): Buffer[] {
  const plainFrames = frames
    .filter(({ kind }) => kind < kinds.begin)
    .map(({ kind, value }) => frameBytes(codec, kind, toWire(plain(value))));
  const items = ["x".repeat(300), [new Float32Array(20_000), Buffer.alloc(70_000)], { a: [1, 2, 3] }];
  return [
    ...plainFrames,
    ...items.map((item, index) => inChunks(codec, index + 1, item, 1 + index * 20_000)),
  ];
}

/** An item of a stream in chunks of this size. */
function inChunks(codec: WireCodec, transfer: number, item: unknown, size: number): Buffer {
  const { kind, body, segments } = codec.encode(kinds.stream, toWire([1, item]), everything);
  const parts = [body, ...segments];
  const sizes = parts.map((part) => part.byteLength);
  const chunks = parts.flatMap((part) =>
    Array.from({ length: Math.ceil(part.byteLength / size) }, (_, n) =>
      Buffer.concat(codec.chunk(transfer, part.subarray(n * size, (n + 1) * size))),
    ),
  );
  return Buffer.concat([frameBytes(codec, kinds.begin, [transfer, kind, sizes]), ...chunks]);
}

type Mutation = (bytes: Buffer, random: Dice) => Buffer;
const mutations: Readonly<Record<string, Mutation>> = {
  "as it was": (bytes) => bytes,
  "bytes changed": (bytes, random) => {
    const changed = Buffer.from(bytes);
    for (let n = random.below(4); n >= 0; n -= 1) changed[random.below(changed.length)] = random.below(256);
    return changed;
  },
  "a bit flipped": (bytes, random) => {
    const changed = Buffer.from(bytes);
    const at = random.below(changed.length);
    changed[at] = changed[at]! ^ (1 << random.below(8));
    return changed;
  },
  "cut off": (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  "a part taken out": (bytes, random) => {
    const start = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random.below(20))]);
  },
  "a part put in": (bytes, random) => {
    const start = random.below(bytes.length);
    return Buffer.concat([
      bytes.subarray(0, start),
      random.bytes(1 + random.below(20)),
      bytes.subarray(start),
    ]);
  },
  "another length": (bytes, random) => {
    const changed = Buffer.from(bytes);
    changed.writeUInt32BE(
      random.among(0, 3, 4, 5, bytes.length, 2 ** 31, 2 ** 32 - 1, random.below(1_000)),
      0,
    );
    return changed;
  },
  "nested too deep": (bytes, random) =>
    Buffer.concat([bytes.subarray(0, 12), Buffer.alloc(200 + random.below(2_000), 0x91), bytes.subarray(12)]),
  "nothing but noise": (_bytes, random) => random.bytes(1 + random.below(200)),
};

interface Outcome {
  readonly messages: readonly WorkerMessage[];
  readonly ended: { readonly error: unknown } | undefined;
}

/** What the runtime's end makes of a stream that breaks into these chunks. */
function received(codec: CodecName, chunks: readonly Buffer[]): Outcome {
  const readable = new EventEmitter() as Readable;
  const messages: WorkerMessage[] = [];
  let ended: Outcome["ended"];
  openConnection(
    { readable, writable: new EventEmitter() as Writable },
    { maxFrameBytes, codec },
    {
      onMessage(message) {
        if (ended !== undefined) throw new Error("a message behind the end");
        messages.push(message);
      },
      onEnd: (error) => (ended = { error }),
    },
  );
  for (const chunk of chunks) readable.emit("data", chunk);
  return { messages, ended };
}

function inPieces(bytes: Buffer, random: Dice): Buffer[] {
  const pieces: Buffer[] = [];
  const most = random.among(40, 1_000, 100_000);
  for (let offset = 0; offset < bytes.length;) {
    const size = 1 + random.below(most);
    pieces.push(Buffer.from(bytes.subarray(offset, offset + size)));
    offset += size;
  }
  return pieces;
}

describe.each([msgpackCodec, jsonLinesCodec])("a worker that speaks $name", (codec) => {
  const corpus = corpusOf(codec);
  const seed = testSeed();

  it(`is understood wherever its stream breaks (seed ${seed})`, () => {
    const random = new Dice(seed);
    // An array that has a segment of its own, too.
    const joined = Buffer.concat([...corpus, inChunks(codec, 3, [new Float32Array(16_500)], 20_000)]);
    const expected = received(codec.name, [joined]);
    expect(expected.ended).toBeUndefined();
    expect(expected.messages.length).toBeGreaterThan(15);
    for (let n = 0; n < scaled(10); n += 1)
      expect(isDeepStrictEqual(received(codec.name, inPieces(joined, random)), expected)).toBe(true);
    const each = Array.from(joined, (_, index) => joined.subarray(index, index + 1));
    expect(isDeepStrictEqual(received(codec.name, each), expected)).toBe(true);
  });

  it(`is understood or ended, whatever it sends (seed ${seed})`, () => {
    const random = new Dice(seed);
    const counts = { understood: 0, ended: 0 };
    const names = Object.keys(mutations);
    for (let n = 0; n < scaled(10_000); n += 1) {
      const stream = Array.from({ length: 1 + random.below(3) }, () =>
        mutations[random.oneOf(names)!]!(random.oneOf(corpus)!, random),
      );
      const { ended } = received(codec.name, inPieces(Buffer.concat(stream), random));
      if (ended === undefined) counts.understood += 1;
      else {
        counts.ended += 1;
        if (!DspexError.is(ended.error, "ERR_PROTOCOL_VIOLATION")) throw ended.error;
      }
    }
    expect(Math.min(counts.understood, counts.ended)).toBeGreaterThan(scaled(1_000));
  });
});
