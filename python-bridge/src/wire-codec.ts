import type { WireValue } from "./wire-value.ts";

/** How messages are written: MessagePack, or text to be read by people who look for a fault. */
export type CodecName = "msgpack" | "json-lines";

/** A frame as it arrived. */
export interface Frame {
  /** The kind's number (`docs/protocol.md` §4). */
  readonly kind: number;
  /** The encoded value: a view of the chunk it arrived in, valid until the decoder is given the next one. */
  readonly body: Uint8Array;
  /** Its large parts, when it arrived in chunks. */
  readonly segments: readonly Uint8Array[];
}

/** A message ready to be sent: whole as a plain frame, or its body and segments one by one in chunks. */
export interface EncodedMessage {
  readonly kind: number;
  readonly frame: Buffer;
  /** The encoded value within the frame. */
  readonly body: Buffer;
  /** The large parts of the value, where they may travel apart: then the plain frame lacks them. */
  readonly segments: readonly Uint8Array[];
}

/** Where the bytes of large messages go. */
export interface ChunkSink {
  /**
   * The memory for the next bytes of a transfer.
   *
   * @throws DspexError `ERR_PROTOCOL_VIOLATION`.
   */
  place(transfer: unknown, size: number): Uint8Array;
  /** They are there. @returns the message that they complete. */
  placed(transfer: unknown): Frame | undefined;
}

/** Cuts a stream of chunks into frames, wherever the chunks happen to break. */
export interface FrameDecoder {
  /**
   * Takes the next chunk and hands every frame that it completes to `onFrame`, in order.
   *
   * @throws DspexError `ERR_PROTOCOL_VIOLATION`; the stream cannot be read any further then.
   */
  push(chunk: Buffer, onFrame: (frame: Frame) => void): void;
}

/** What every peer takes: plain values in plain frames. */
export const plainOnly: ReadonlySet<string> = new Set();

/** One way to write frames and values. Both ways carry the same values. */
export interface WireCodec {
  readonly name: CodecName;
  /** Bytes of a large message in one frame. */
  readonly chunkBytes: number;
  /**
   * @param takes what the peer has announced: with `chunks`, large parts are left to {@link EncodedMessage.segments}.
   * @throws DspexError `ERR_NOT_SERIALIZABLE` for what it does not take.
   */
  encode(kind: number, value: WireValue, takes: ReadonlySet<string>): EncodedMessage;
  /**
   * Decodes the value of a frame.
   *
   * @throws DspexError `ERR_PROTOCOL_VIOLATION` when it is not exactly one value of the profile.
   */
  decode(frame: Frame): unknown;
  /** The buffers of a CHUNK frame; where the codec can, `bytes` themselves are one of them. */
  chunk(transfer: number, bytes: Uint8Array): readonly Uint8Array[];
  /** Reads a CHUNK frame. The bytes may be a view of it. */
  readChunk(frame: Frame): { readonly transfer: unknown; readonly bytes: unknown };
  /**
   * @param sink with it, the decoder may put the bytes of CHUNK frames there itself, and hand out the messages that they
   * complete.
   */
  createDecoder(maxFrameBytes: number, sink?: ChunkSink): FrameDecoder;
}
