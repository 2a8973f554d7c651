import type { Readable, Writable } from "node:stream";
import { DspexError } from "@dspex/core";
import { Inbox } from "./inbox.ts";
import { jsonLinesCodec } from "./json-lines-codec.ts";
import { kinds } from "./kinds.ts";
import { readWorkerMessage, type Ready, type RuntimeMessage, type WorkerMessage } from "./messages.ts";
import { msgpackCodec } from "./msgpack-codec.ts";
import { callLine, lineOf, Outbox } from "./outbox.ts";
import { plainOnly, type CodecName, type Frame, type WireCodec } from "./wire-codec.ts";

export interface ConnectionOptions {
  /** The largest message taken from the peer, and sent to it until it says what it takes. */
  readonly maxFrameBytes: number;
  /** The worker answers in the codec that it is spoken to in. @default "msgpack" */
  readonly codec?: CodecName;
}

export interface ConnectionHandlers {
  /** A message arrived. What it throws closes the connection and is handed to `onEnd`. */
  readonly onMessage: (message: WorkerMessage) => void;
  /** The stream ended, at most once: with an error when the protocol was broken or the pipe failed. */
  readonly onEnd: (error?: unknown) => void;
}

/** The runtime's end of the wire. */
export interface Connection {
  /**
   * Sends a message; all small messages of one turn of the event loop leave in one write, large ones in chunks.
   *
   * @throws DspexError `ERR_FRAME_TOO_LARGE` when it is larger than the peer takes; nothing was sent then.
   */
  send(message: RuntimeMessage): void;
  /**
   * Takes back a CALL that has not been sent whole.
   *
   * @returns whether it could be: then the worker never sees it, and does not answer it.
   */
  withdrawCall(id: number): boolean;
  /** Whether a CALL has not been sent whole. */
  isLeaving(callId: number): boolean;
}

/** Written in one turn of the event loop at most: others have their turn between. */
const bytesPerTurn = 512 * 1024;

/** Up to here one buffer is made of several: to copy a small one costs less than to write it by itself. */
const joinedBytes = 128 * 1024;

const codecs: Readonly<Record<CodecName, WireCodec>> = {
  msgpack: msgpackCodec,
  "json-lines": jsonLinesCodec,
};

/** Opens the runtime's end of the wire on a worker's streams. */
export function openConnection(
  { readable, writable }: { readonly readable: Readable; readonly writable: Writable },
  { maxFrameBytes, codec: name = "msgpack" }: ConnectionOptions,
  handlers: ConnectionHandlers,
): Connection {
  const codec = codecs[name];
  const inbox = new Inbox(maxFrameBytes);
  const decoder = codec.createDecoder(maxFrameBytes, inbox);
  const outbox = new Outbox(codec);
  let sendLimit = maxFrameBytes;
  let takes = plainOnly;
  let ended = false;

  const finish = (error?: unknown): void => {
    if (ended) return;
    ended = true;
    readable.removeListener("data", onData);
    handlers.onEnd(error);
  };
  const onData = (chunk: Buffer): void => {
    try {
      decoder.push(chunk, receive);
    } catch (error) {
      finish(error);
    }
  };
  readable.on("data", onData);
  readable.once("end", () => finish());
  readable.once("error", finish);
  // A write after the worker's death fails with EPIPE; the end of its output tells the same, once.
  writable.on("error", finish);

  const receive = (frame: Frame): void => {
    switch (frame.kind) {
      case kinds.begin: {
        const [id, kind, sizes] = asArray(codec.decode(frame));
        return inbox.begin(id, kind, sizes);
      }
      case kinds.chunk: {
        const { transfer, bytes } = codec.readChunk(frame);
        const whole = inbox.fill(transfer, bytes);
        return whole === undefined ? undefined : deliver(whole);
      }
      case kinds.drop:
        return inbox.drop(asArray(codec.decode(frame))[0]);
      default:
        return deliver(frame);
    }
  };
  const deliver = (frame: Frame): void => {
    const message = readWorkerMessage(frame, codec);
    if (message === undefined) return;
    if (message.kind === "ready") agree(message.ready);
    handlers.onMessage(message);
  };
  const agree = (ready: Ready): void => {
    sendLimit = ready.maxFrameBytes;
    takes = new Set(ready.capabilities);
    if (takes.has("chunks")) outbox.allowChunks(ready.maxFrameBytes);
  };

  let scheduled = false;
  let writtenInTurn = 0;
  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    process.nextTick(write);
  };
  const nextTurn = (): void => {
    writtenInTurn = 0;
    write();
  };
  const write = (): void => {
    for (let buffers = outbox.next(); buffers.length > 0 && !ended; buffers = outbox.next()) {
      writtenInTurn += writeAll(writable, buffers);
      if (writable.writableNeedDrain) return void writable.once("drain", written);
      if (writtenInTurn > bytesPerTurn) return void setImmediate(nextTurn);
    }
    scheduled = false;
    writtenInTurn = 0;
  };
  // A stream that has taken all at once says so before the turn is over.
  const written = (): void => {
    if (writtenInTurn > bytesPerTurn) setImmediate(nextTurn);
    else write();
  };
  return {
    send({ kind, value }) {
      const message = codec.encode(kind, value, takes);
      const bytes = message.segments.reduce((sum, segment) => sum + segment.byteLength, message.body.length);
      if (bytes > sendLimit) throw tooLarge(bytes, sendLimit);
      if (ended) return;
      outbox.add(message, lineOf(kind, (value as readonly unknown[])[0]));
      schedule();
    },
    withdrawCall(id) {
      const withdrawn = outbox.withdraw(callLine(id));
      if (withdrawn) schedule();
      return withdrawn;
    },
    isLeaving: (callId) => outbox.holds(callLine(callId)),
  };
}

function writeAll(writable: Writable, buffers: readonly Uint8Array[]): number {
  const bytes = buffers.reduce((sum, buffer) => sum + buffer.byteLength, 0);
  if (buffers.length === 1) writable.write(buffers[0]);
  else if (bytes <= joinedBytes) writable.write(Buffer.concat(buffers, bytes));
  else {
    writable.cork();
    for (const buffer of buffers) writable.write(buffer);
    writable.uncork();
  }
  return bytes;
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function tooLarge(bytes: number, limitBytes: number): DspexError<"ERR_FRAME_TOO_LARGE"> {
  return new DspexError(
    "ERR_FRAME_TOO_LARGE",
    `The value takes ${bytes} bytes; the worker takes ${limitBytes}. Send less, or raise maxFrameBytes.`,
    { details: { bytes, limitBytes } },
  );
}
