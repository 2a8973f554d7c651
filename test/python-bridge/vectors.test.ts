import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import {
  decode,
  encode,
  encodeFrame,
  FrameDecoder,
  readWorkerMessage,
  toWire,
  type Frame,
} from "@dspex/python-bridge";

interface FrameCase {
  readonly name: string;
  readonly hex: string;
  readonly kind: number;
  readonly value: unknown;
}
interface Violation {
  readonly name: string;
  readonly hex: string;
  readonly by: "host" | "worker" | "both";
  readonly reason: string;
  readonly maxFrameBytes?: number;
}

const vectors = path.resolve(import.meta.dirname, "../../python-bridge/vectors");
const load = (name: string): unknown => JSON.parse(readFileSync(path.join(vectors, name), "utf8"));
const { frames, skipped, violations } = load("frames.json") as {
  frames: FrameCase[];
  skipped: FrameCase[];
  violations: Violation[];
};
const { texts } = load("texts.json") as { texts: { name: string; text: string; wire: string }[] };

const defaultLimit = 64 * 1024 * 1024;
/** Kinds that a worker sends. */
const fromWorker = new Set([2, 4, 5, 6, 9, 11, 14, 15, 16, 17]);

/** The value that a vector describes. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const record = value as Record<string, unknown>;
  if (typeof record["$int"] === "string") return BigInt(record["$int"]);
  if (typeof record["$float"] === "string") return floats[record["$float"]] ?? Number(record["$float"]);
  if (typeof record["$bytes"] === "string") return Buffer.from(record["$bytes"], "hex");
  return Object.fromEntries(Object.entries(record).map(([key, item]) => [key, plain(item)]));
}
const floats: Readonly<Record<string, number>> = { nan: Number.NaN, inf: Infinity, "-inf": -Infinity };

/** JavaScript sends negative zero as 0 (docs/protocol.md §3). */
function unsigned(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  return Array.isArray(value) ? value.map(unsigned) : value;
}

function framesIn(hex: string, maxFrameBytes = defaultLimit): Frame[] {
  const found: Frame[] = [];
  new FrameDecoder(maxFrameBytes).push(Buffer.from(hex, "hex"), (frame) => found.push(frame));
  return found;
}

describe("the shared vectors", () => {
  it.each(frames)("decode: $name", ({ hex, kind, value }) => {
    const [frame] = framesIn(hex);
    expect(frame?.kind).toBe(kind);
    expect(decode(frame!.body)).toEqual(plain(value));
    if (fromWorker.has(kind)) expect(readWorkerMessage(frame!)).toBeDefined();
  });

  it.each(frames)("encode and decode again: $name", ({ kind, value }) => {
    const frame = encodeFrame(kind, encode(toWire(plain(value))));
    expect(decode(framesIn(frame.toString("hex"))[0]!.body)).toEqual(unsigned(plain(value)));
  });

  it.each(skipped)("skip: $name", ({ hex }) => {
    const [frame] = framesIn(hex);
    expect(readWorkerMessage(frame!)).toBeUndefined();
  });

  it.each(violations.filter(({ by }) => by !== "worker"))("reject: $name", ({ hex, maxFrameBytes }) => {
    const read = (): void => {
      for (const frame of framesIn(hex, maxFrameBytes)) readWorkerMessage(frame);
    };
    expect(read).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL_VIOLATION" }));
  });

  it.each(texts)("replace lone surrogates: $name", ({ text, wire }) => {
    expect(decode(encode(toWire(text)))).toBe(wire);
  });
});
