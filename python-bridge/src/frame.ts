import { DspexError } from "@dspex/core";

/** Version of the frame header (`docs/protocol.md` §2). */
const frameVersion = 1;

/** `u32 length · u8 version · u8 kind · u16 flags`. */
export const headerBytes = 8;

/** What `length` counts besides the value: version, kind and flags. */
const countedHeaderBytes = 4;

export interface Frame {
  readonly kind: number;
  /** The encoded value: a view of the chunk it arrived in, valid until the decoder is given the next one. */
  readonly body: Uint8Array;
}

export function violation(reason: string): DspexError<"ERR_PROTOCOL_VIOLATION"> {
  return new DspexError("ERR_PROTOCOL_VIOLATION", `The worker broke the protocol: ${reason}.`, {
    details: { reason },
  });
}

/** Puts the header in front of an encoded value. */
export function encodeFrame(kind: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + body.length);
  frame.writeUInt32BE(countedHeaderBytes + body.length, 0);
  frame[4] = frameVersion;
  frame[5] = kind;
  frame.writeUInt16BE(0, 6);
  frame.set(body, headerBytes);
  return frame;
}

/**
 * Cuts a stream of chunks into frames, wherever the chunks happen to break. The length is checked before anything is
 * kept, so a hostile length costs no memory.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  /** The beginning of a frame that has not arrived whole, and how many bytes the chunks hold. */
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes of the pending frame, header included; the header alone until that has arrived. */
  #needed = headerBytes;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /**
   * Takes the next chunk and hands every frame that it completes to `onFrame`, in order.
   *
   * @throws DspexError `ERR_PROTOCOL_VIOLATION` on a bad header; the stream cannot be read any further then.
   */
  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let data = chunk;
    if (this.#held > 0) {
      this.#chunks.push(chunk);
      this.#held += chunk.length;
      if (this.#held < this.#needed) return;
      data = Buffer.concat(this.#chunks, this.#held);
      this.#chunks = [];
      this.#held = 0;
    }
    let offset = 0;
    this.#needed = headerBytes;
    while (data.length - offset >= headerBytes) {
      const end = offset + this.#frameBytes(data, offset);
      if (end > data.length) {
        this.#needed = end - offset;
        break;
      }
      onFrame({ kind: data[offset + 5]!, body: data.subarray(offset + headerBytes, end) });
      offset = end;
    }
    if (offset < data.length) {
      // Copied: a few bytes of a frame must not keep a whole 64 KiB read alive.
      this.#chunks.push(Buffer.from(data.subarray(offset)));
      this.#held = data.length - offset;
    }
  }

  #frameBytes(data: Buffer, offset: number): number {
    const length = data.readUInt32BE(offset);
    if (length < countedHeaderBytes) throw violation(`a frame length of ${length} bytes`);
    if (length - countedHeaderBytes > this.#maxFrameBytes)
      throw violation(`a frame of ${length} bytes, above the limit of ${this.#maxFrameBytes}`);
    if (data[offset + 4] !== frameVersion) throw violation(`frame version ${data[offset + 4]}`);
    return headerBytes - countedHeaderBytes + length;
  }
}
