import type { Readable, Writable } from "node:stream";
import { DspexError } from "@dspex/core";
import { encode } from "./codec.ts";
import { encodeFrame, FrameDecoder, type Frame } from "./frame.ts";
import type { RuntimeMessage } from "./messages.ts";

export interface ConnectionHandlers {
  /** A frame arrived. What it throws closes the connection and is handed to `onEnd`. */
  readonly onFrame: (frame: Frame) => void;
  /** The stream ended, at most once: with an error when the protocol was broken or the pipe failed. */
  readonly onEnd: (error?: unknown) => void;
}

/** One end of the wire over a pair of byte streams. */
export interface Connection {
  /**
   * Sends a message; all messages of one turn of the event loop leave in one write.
   *
   * @throws DspexError `ERR_FRAME_TOO_LARGE` when it is larger than the peer takes; nothing was sent then.
   */
  send(message: RuntimeMessage): void;
  /** Lowers or raises the limit for what is sent, once the peer has announced what it takes. */
  peerTakes(maxFrameBytes: number): void;
}

/**
 * Opens the runtime's end of the wire on a worker's streams.
 *
 * @param maxFrameBytes the largest value taken from the peer, and sent to it until it says what it takes.
 */
export function openConnection(
  streams: { readonly readable: Readable; readonly writable: Writable },
  maxFrameBytes: number,
  handlers: ConnectionHandlers,
): Connection {
  const { readable, writable } = streams;
  const decoder = new FrameDecoder(maxFrameBytes);
  let outgoing: Buffer[] = [];
  let sendLimit = maxFrameBytes;
  let ended = false;

  const finish = (error?: unknown): void => {
    if (ended) return;
    ended = true;
    outgoing = [];
    readable.removeListener("data", onData);
    handlers.onEnd(error);
  };
  const onData = (chunk: Buffer): void => {
    try {
      decoder.push(chunk, handlers.onFrame);
    } catch (error) {
      finish(error);
    }
  };
  readable.on("data", onData);
  readable.once("end", () => finish());
  readable.once("error", finish);
  // A write after the worker's death fails with EPIPE; the end of its output tells the same, once.
  writable.on("error", finish);

  const flush = (): void => {
    const [first, ...rest] = outgoing;
    outgoing = [];
    if (first !== undefined) writable.write(rest.length === 0 ? first : Buffer.concat([first, ...rest]));
  };
  return {
    send({ kind, value }) {
      const body = encode(value);
      if (body.length > sendLimit)
        throw new DspexError(
          "ERR_FRAME_TOO_LARGE",
          `The value takes ${body.length} bytes; the worker takes ${sendLimit}. Send less, or raise maxFrameBytes.`,
          { details: { bytes: body.length, limitBytes: sendLimit } },
        );
      if (ended) return;
      // The codec's buffer is a pooled view and may be kept: encodeFrame copies it behind the header.
      if (outgoing.push(encodeFrame(kind, body)) === 1) process.nextTick(flush);
    },
    peerTakes(bytes) {
      sendLimit = bytes;
    },
  };
}
