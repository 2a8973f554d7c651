import { describe, expect, it } from "@jest/globals";
import { jsonLinesCodec, msgpackCodec, toWire, type Frame, type WireCodec } from "@dspex/python-bridge";
import { frameBytes } from "./frames.ts";

const kind = 12;
const values = [null, "x".repeat(300), [], [1, 2, 3], { text: "a\nb" }];

const shown = (codec: WireCodec, frame: Frame): unknown => [frame.kind, codec.decode(frame)];

function decodedInPieces(codec: WireCodec, bytes: Buffer, sizes: () => number): unknown[] {
  const decoder = codec.createDecoder(1_024);
  const frames: unknown[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const size = sizes();
    decoder.push(Buffer.from(bytes.subarray(offset, offset + size)), (frame) =>
      frames.push(shown(codec, frame)),
    );
    offset += size;
  }
  return frames;
}

describe.each([msgpackCodec, jsonLinesCodec])("the frame decoder of $name", (codec) => {
  const stream = Buffer.concat(values.map((value) => frameBytes(codec, kind, toWire(value))));
  const expected = values.map((value) => [kind, value]);

  it.each([1, 2, 3, 5, 7, 8, 9, 64, 10_000])("finds the frames in chunks of %i bytes", (size) => {
    expect(decodedInPieces(codec, stream, () => size)).toEqual(expected);
  });

  it("scenario 34: finds the frames at every single break of the stream", () => {
    for (let at = 1; at < stream.length; at += 1) {
      const sizes = [at, stream.length - at];
      expect(decodedInPieces(codec, stream, () => sizes.shift()!)).toEqual(expected);
    }
  });

  it("takes a value of exactly the limit", () => {
    const frame = frameBytes(codec, kind, "x".repeat(codec === msgpackCodec ? 1_021 : 1_022));
    const seen: number[] = [];
    codec.createDecoder(1_024).push(frame, ({ body }) => seen.push(body.length));
    expect(seen).toEqual([1_024]);
  });
});

describe("the frame decoder of msgpack", () => {
  it.each([
    ["a length below the header's rest", "00000003010100", /length of 3/],
    ["a length above the limit", "00000405010100", /above the limit/],
    ["the largest length there is", "ffffffff010100", /above the limit/],
    ["another version", "00000005020100", /version 2/],
  ])("rejects %s before it keeps anything", (_what, hex, reason) => {
    const decoder = msgpackCodec.createDecoder(1_024);
    const push = (): void => decoder.push(Buffer.from(`${hex}00c0`, "hex"), () => {});
    expect(push).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL_VIOLATION" }));
    expect(push).toThrow(reason);
  });
});

describe("the frame decoder of json-lines", () => {
  it.each([
    ["a line that is no frame", "hello\n"],
    ["a line whose value has no end", '{"kind":"PUT","value":1\n'],
    ["a line without its value", '{"kind":"PUT"}\n'],
    ["a line that is too long, before its end has come", `{"kind":"PUT","value":"${"x".repeat(2_000)}`],
  ])("rejects %s", (_what, line) => {
    expect(() => jsonLinesCodec.createDecoder(1_024).push(Buffer.from(line), () => {})).toThrow(
      expect.objectContaining({ code: "ERR_PROTOCOL_VIOLATION" }),
    );
  });
});
