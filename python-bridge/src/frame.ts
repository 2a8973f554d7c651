import { violation } from "./errors.ts";
import { kinds } from "./kinds.ts";
import type { ChunkSink, Frame, FrameDecoder } from "./wire-codec.ts";

/** Version of the frame header (`docs/protocol.md` §2). */
const frameVersion = 1;

/** `u32 length · u8 version · u8 kind · u16 flags`. */
export const headerBytes = 8;

/** What `length` counts besides the value: version, kind and flags. */
const countedHeaderBytes = 4;

const noSegments: readonly Uint8Array[] = [];

/** Writes the header at the beginning of `frame`, in front of a value of `valueBytes` (which may be elsewhere). */
export function writeHeader(frame: Buffer, kind: number, valueBytes: number): void {
  frame.writeUInt32BE(countedHeaderBytes + valueBytes, 0);
  frame[4] = frameVersion;
  frame[5] = kind;
  frame.writeUInt16BE(0, 6);
}

/** How a CHUNK is usually encoded: an array of two, the transfer, and bytes, the latter with a length of 32 bits. */
const chunkHeadBytes = 11;

/** The header and the value of a CHUNK frame up to its bytes. */
export function chunkHead(transfer: number, size: number): Buffer {
  const head = Buffer.allocUnsafe(headerBytes + chunkHeadBytes);
  writeHeader(head, kinds.chunk, chunkHeadBytes + size);
  head[headerBytes] = 0x92;
  head[headerBytes + 1] = 0xce;
  head.writeUInt32BE(transfer, headerBytes + 2);
  head[headerBytes + 6] = 0xc6;
  head.writeUInt32BE(size, headerBytes + 7);
  return head;
}

/** A CHUNK whose bytes are arriving: where they go, and how many are there. */
interface Filling {
  readonly transfer: number;
  readonly target: Uint8Array;
  filled: number;
}

/**
 * Cuts a stream into frames with a binary header. The length is checked before anything is kept, so a hostile length
 * costs no memory.
 */
export class BinaryFrameDecoder implements FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #sink: ChunkSink | undefined;
  #filling: Filling | undefined;
  /** The beginning of a frame that has not arrived whole, and how many bytes the chunks hold. */
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes of the pending frame, header included; the header alone until that has arrived. */
  #needed = headerBytes;

  constructor(maxFrameBytes: number, sink: ChunkSink | undefined) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#sink = sink;
  }

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
    let offset = this.#fill(data, 0, onFrame);
    this.#needed = headerBytes;
    while (data.length - offset >= headerBytes) {
      const end = offset + this.#frameBytes(data, offset);
      const kind = data[offset + 5]!;
      if (kind === kinds.chunk && this.#open(data, offset, end)) {
        offset = this.#fill(data, offset + headerBytes + chunkHeadBytes, onFrame);
        continue;
      }
      if (end > data.length) {
        this.#needed = end - offset;
        // The bytes of a chunk need not be waited for.
        if (kind === kinds.chunk && this.#sink !== undefined)
          this.#needed = Math.min(this.#needed, headerBytes + chunkHeadBytes);
        break;
      }
      onFrame({ kind, body: data.subarray(offset + headerBytes, end), segments: noSegments });
      offset = end;
    }
    if (offset < data.length) {
      // Copied: a few bytes of a frame must not keep a whole 64 KiB read alive.
      this.#chunks.push(Buffer.from(data.subarray(offset)));
      this.#held = data.length - offset;
    }
  }

  /** Whether a CHUNK is of the usual form, and its head is here: then its bytes go to the sink. */
  #open(data: Buffer, offset: number, end: number): boolean {
    const body = offset + headerBytes;
    if (this.#sink === undefined || data.length < body + chunkHeadBytes) return false;
    const size = end - body - chunkHeadBytes;
    if (data[body] !== 0x92 || data[body + 1] !== 0xce || data[body + 6] !== 0xc6) return false;
    if (data.readUInt32BE(body + 7) !== size) return false;
    const transfer = data.readUInt32BE(body + 2);
    this.#filling = { transfer, target: this.#sink.place(transfer, size), filled: 0 };
    return true;
  }

  /** Puts bytes where they belong. @returns where in `data` what does not belong there begins. */
  #fill(data: Buffer, offset: number, onFrame: (frame: Frame) => void): number {
    const filling = this.#filling;
    if (filling === undefined) return offset;
    const { transfer, target } = filling;
    const end = Math.min(data.length, offset + target.byteLength - filling.filled);
    target.set(data.subarray(offset, end), filling.filled);
    filling.filled += end - offset;
    if (filling.filled < target.byteLength) return end;
    this.#filling = undefined;
    const whole = this.#sink!.placed(transfer);
    if (whole !== undefined) onFrame(whole);
    return end;
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
