import { describe, expect, it } from "@jest/globals";
import { encodeFrame, FrameDecoder, type Frame } from "@dspex/python-bridge";

const copies = (frames: Frame[]): { kind: number; body: string }[] =>
  frames.map(({ kind, body }) => ({ kind, body: Buffer.from(body).toString("hex") }));

function decodeInPieces(bytes: Buffer, sizes: () => number): { kind: number; body: string }[] {
  const decoder = new FrameDecoder(1_024);
  const frames: { kind: number; body: string }[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const size = sizes();
    decoder.push(Buffer.from(bytes.subarray(offset, offset + size)), (frame) =>
      frames.push(...copies([frame])),
    );
    offset += size;
  }
  return frames;
}

const bodies = [Buffer.from([0xc0]), Buffer.alloc(300, 7), Buffer.alloc(0), Buffer.from([1, 2, 3])];
const stream = Buffer.concat(bodies.map((body, index) => encodeFrame(index + 1, body)));
const expected = bodies.map((body, index) => ({ kind: index + 1, body: body.toString("hex") }));

describe("the frame decoder", () => {
  it.each([1, 2, 3, 5, 7, 8, 9, 64, 10_000])("finds the frames in chunks of %i bytes", (size) => {
    expect(decodeInPieces(stream, () => size)).toEqual(expected);
  });

  it("finds the frames at every single break of the stream", () => {
    for (let at = 1; at < stream.length; at += 1) {
      const sizes = [at, stream.length - at];
      expect(decodeInPieces(stream, () => sizes.shift()!)).toEqual(expected);
    }
  });

  it.each([
    ["a length below the header's rest", "00000003010100", /length of 3/],
    ["a length above the limit", "00000405010100", /above the limit/],
    ["the largest length there is", "ffffffff010100", /above the limit/],
    ["another version", "00000005020100", /version 2/],
  ])("rejects %s before it keeps anything", (_what, hex, reason) => {
    const decoder = new FrameDecoder(1_024);
    const push = (): void => decoder.push(Buffer.from(`${hex}00c0`, "hex"), () => {});
    expect(push).toThrow(expect.objectContaining({ code: "ERR_PROTOCOL_VIOLATION" }));
    expect(push).toThrow(reason);
  });

  it("takes a frame of exactly the limit", () => {
    const frame = encodeFrame(4, Buffer.alloc(1_024));
    const seen: number[] = [];
    new FrameDecoder(1_024).push(frame, ({ body }) => seen.push(body.length));
    expect(seen).toEqual([1_024]);
  });
});
