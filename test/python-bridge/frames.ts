import { type Frame, type WireCodec, type WireValue } from "@dspex/python-bridge";

/** What a side that takes everything has announced. */
export const everything: ReadonlySet<string> = new Set(["chunks", "datetime", "bigint", "ndarray", "arrow"]);

const takesAllAtOnce: ReadonlySet<string> = new Set(["datetime", "bigint", "ndarray", "arrow"]);

/** A plain frame, with all of its value. */
export const frameBytes = (codec: WireCodec, kind: number, value: WireValue): Buffer =>
  codec.encode(kind, value, takesAllAtOnce).frame;

/** Cuts bytes into frames. */
export function framesIn(codec: WireCodec, bytes: Uint8Array, maxFrameBytes = 64 * 1024 * 1024): Frame[] {
  const found: Frame[] = [];
  codec.createDecoder(maxFrameBytes).push(Buffer.from(bytes), (frame) => found.push(frame));
  return found;
}

/** What a value has become when it has crossed in a plain frame. */
export const crossed = (codec: WireCodec, value: WireValue): unknown =>
  codec.decode(framesIn(codec, frameBytes(codec, 12, value))[0]!);
