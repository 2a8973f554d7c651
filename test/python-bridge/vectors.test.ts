import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import { jsonLinesCodec, msgpackCodec, readWorkerMessage, toWire } from "@dspex/python-bridge";
import { crossed, frameBytes, framesIn } from "./frames.ts";
import { plain } from "./plain.ts";

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
interface LineCase {
  readonly name: string;
  readonly line: string;
  readonly kind: number;
  readonly value: unknown;
}
const { lines, violations: lineViolations } = load("lines.json") as {
  lines: LineCase[];
  violations: { name: string; line: string; by: string }[];
};
const { texts } = load("texts.json") as { texts: { name: string; text: string; wire: string }[] };

/** Kinds that a worker sends. */
const fromWorker = new Set([2, 4, 5, 6, 9, 11, 14, 15, 16, 17]);

describe("the shared vectors", () => {
  it.each(frames)("decode: $name", ({ hex, kind, value }) => {
    const [frame] = framesIn(msgpackCodec, Buffer.from(hex, "hex"));
    expect(frame?.kind).toBe(kind);
    expect(msgpackCodec.decode(frame!)).toEqual(plain(value));
    if (fromWorker.has(kind)) expect(readWorkerMessage(frame!, msgpackCodec)).toBeDefined();
  });

  it.each(frames)("encode and decode again: $name", ({ value }) => {
    for (const codec of [msgpackCodec, jsonLinesCodec])
      expect(crossed(codec, toWire(plain(value)))).toEqual(plain(value));
  });

  it.each(lines)("decode as a line, and encode to it again: $name", ({ line, kind, value }) => {
    const [frame] = framesIn(jsonLinesCodec, Buffer.from(`${line}\n`));
    expect(frame?.kind).toBe(kind);
    expect(jsonLinesCodec.decode(frame!)).toEqual(plain(value));
    expect(
      framesIn(jsonLinesCodec, frameBytes(jsonLinesCodec, kind, toWire(plain(value)))).map(({ body }) =>
        String(body),
      ),
    ).toEqual([String(frame!.body)]);
  });

  it.each(skipped)("skip: $name", ({ hex }) => {
    const [frame] = framesIn(msgpackCodec, Buffer.from(hex, "hex"));
    expect(readWorkerMessage(frame!, msgpackCodec)).toBeUndefined();
  });

  it.each(violations.filter(({ by }) => by !== "worker"))("reject: $name", ({ hex, maxFrameBytes }) => {
    const read = (): void => {
      for (const frame of framesIn(msgpackCodec, Buffer.from(hex, "hex"), maxFrameBytes))
        readWorkerMessage(frame, msgpackCodec);
    };
    expect(read).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL_VIOLATION" }));
  });

  it.each(lineViolations)("reject the line: $name", ({ line }) => {
    const read = (): void => {
      for (const frame of framesIn(jsonLinesCodec, Buffer.from(`${line}\n`)))
        readWorkerMessage(frame, jsonLinesCodec);
    };
    expect(read).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL_VIOLATION" }));
  });

  it.each(texts)("replace lone surrogates: $name", ({ text, wire }) => {
    for (const codec of [msgpackCodec, jsonLinesCodec]) expect(crossed(codec, toWire(text))).toBe(wire);
  });
});
