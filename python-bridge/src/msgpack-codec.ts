import { DspexError, messageOf } from "@dspex/core";
import { addExtension, Packr, RESERVE_START_SPACE } from "msgpackr";
import { checkTaken, withinOneFrame } from "./capabilities.ts";
import { violation } from "./errors.ts";
import { Extended, extensionTypes, Float, payloadOf, readExtension } from "./extension.ts";
import { BinaryFrameDecoder, chunkHead, headerBytes, writeHeader } from "./frame.ts";
import { inspect, type Inspection } from "./msgpack-inspect.ts";
import { plainOnly, type WireCodec } from "./wire-codec.ts";
import type { WireValue } from "./wire-value.ts";

// Locked to plain MessagePack that msgspec reads: no record extension, no type extensions, maps as small as they are.
// The options are described in docs/protocol.md §3; every one of them has a vector.
const options = {
  useRecords: false,
  moreTypes: false,
  // A number when it is safe, else a bigint. The codec's typings do not know the word.
  int64AsType: "auto" as "number",
  encodeUndefinedAsNil: true,
  variableMapSize: true,
  // A field that is called toJSON is a field.
  useToJSON: false,
};
/** Bytes that it reads are copied: a view would keep the whole chunk alive that it was read in. */
const packr = new Packr({ ...options, copyBuffers: true });
/** Bytes that it reads are views, for who copies them anyway. */
const viewer = new Packr(options);

/** What the value that is being encoded may hold, and its segments; those of the one that is being decoded, and its extensions. */
let takes: ReadonlySet<string> = plainOnly;
let leaving: Uint8Array[] | undefined;
let arriving: readonly Uint8Array[] = [];
let read = 0;

// The codec keeps extensions in a table that all of a process share. Our classes are private, so no one else's values are
// touched; our types are rare, and `decode` notices when somebody else reads them.
addExtension({
  Class: Extended,
  type: extensionTypes.bytes,
  pack: packExtended as (value: Extended) => Buffer,
});
addExtension({ Class: Float, type: extensionTypes.bytes, pack: packFloat as (value: Float) => Buffer });
for (const type of Object.values(extensionTypes))
  addExtension({
    type,
    unpack(payload) {
      read += 1;
      return readExtension(type, payload, arriving);
    },
  });

/** How the codec lets a class write its own bytes. */
type Allocate = (size: number) => { target: Buffer; position: number };

function packExtended(extended: Extended, allocate: Allocate): void {
  const { type, data } = extended;
  if (type === extensionTypes.bytes && leaving === undefined) return packWithLength(0xc4, data!, allocate);
  checkTaken(type, takes);
  packWithLength(0xc7, payloadOf(extended, leaving), allocate, type);
}

/** @param token the form with a length of 8 bits; those of 16 and 32 follow it. */
function packWithLength(token: number, bytes: Uint8Array, allocate: Allocate, type?: number): void {
  const size = bytes.byteLength;
  const power = size < 2 ** 8 ? 0 : size < 2 ** 16 ? 1 : 2;
  const head = [token + power];
  for (let shift = 8 * (2 ** power - 1); shift >= 0; shift -= 8) head.push((size >>> shift) & 0xff);
  if (type !== undefined) head.push(type);
  const { target, position } = allocate(head.length + size);
  target.set(head, position);
  target.set(bytes, position + head.length);
}

function packFloat({ value }: Float, allocate: Allocate): void {
  const { target, position } = allocate(9);
  target[position] = 0xcb;
  target.writeDoubleBE(value, position + 1);
}

/** The codec keeps its buffer as large as the largest value so far; beyond this many bytes it gets a new one. */
const keptBufferBytes = 1024 * 1024;
const freshBufferBytes = 8 * 1024;

/** MessagePack behind a binary header: what workers are spoken to in. */
export const msgpackCodec: WireCodec = {
  name: "msgpack",
  chunkBytes: 256 * 1024,

  encode(kind, value, peerTakes) {
    const segments: Uint8Array[] = [];
    takes = peerTakes;
    leaving = takes.has("chunks") ? segments : undefined;
    // The codec leaves room for the header in front of what it writes.
    const frame = packr.pack(value, RESERVE_START_SPACE | headerBytes);
    if (frame.length > keptBufferBytes) packr.useBuffer(Buffer.allocUnsafeSlow(freshBufferBytes));
    writeHeader(frame, kind, frame.length - headerBytes);
    return { kind, frame, body: frame.subarray(headerBytes), segments };
  },

  decode({ body, segments }) {
    const found = inspect(body, isKnownExtension);
    return reading(() => (found === undefined ? packr.unpack(body) : unpackExtended(body, segments, found)));
  },

  chunk: (transfer, bytes) => [chunkHead(transfer, bytes.byteLength), bytes],

  readChunk({ body }) {
    inspect(body, isKnownExtension);
    const value = reading(() => viewer.unpack(body));
    return Array.isArray(value)
      ? { transfer: value[0], bytes: value[1] }
      : { transfer: undefined, bytes: undefined };
  },

  createDecoder: (maxFrameBytes, sink) => new BinaryFrameDecoder(maxFrameBytes, sink),
};

/** Encodes a value alone, without a frame. */
export const encode = (value: WireValue): Buffer => msgpackCodec.encode(0, value, withinOneFrame).body;

/** Decodes a value alone. @throws DspexError `ERR_PROTOCOL_VIOLATION` when the bytes are not exactly one value. */
export const decode = (bytes: Uint8Array): unknown =>
  msgpackCodec.decode({ kind: 0, body: bytes, segments: [] });

function reading(unpack: () => unknown): unknown {
  try {
    return unpack();
  } catch (error) {
    throw DspexError.is(error) ? error : violation(`a value that cannot be decoded (${messageOf(error)})`);
  }
}

const known: ReadonlySet<number> = new Set(Object.values(extensionTypes));
const isKnownExtension = (type: number): boolean => known.has(type);

function unpackExtended(bytes: Uint8Array, segments: readonly Uint8Array[], found: Inspection): unknown {
  const { extensions, protoKeys } = found;
  arriving = segments;
  read = 0;
  const stand = protoKeys.length > 0 ? standIn(bytes) : undefined;
  const value: unknown = packr.unpack(stand === undefined ? bytes : replaced(bytes, protoKeys, stand));
  arriving = [];
  if (read !== extensions)
    throw new Error("something else in this process reads the protocol's extension types with msgpackr");
  return stand === undefined ? value : restored(value, stand);
}

// The codec renames the key `__proto__`. It is data like any other: it crosses under another name, and its map gets no prototype
// that the key could reach.

/** A key as long as `__proto__` that does not occur in `bytes`. */
function standIn(bytes: Uint8Array): string {
  const within = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let n = 100_000_000; ; n += 1) if (!within.includes(String(n))) return String(n);
}

function replaced(bytes: Uint8Array, at: readonly number[], key: string): Uint8Array {
  const copy = Buffer.from(bytes);
  for (const position of at) copy.write(key, position, "latin1");
  return copy;
}

function restored(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((item) => restored(item, key));
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  const entries = Object.entries(value).map(([name, item]) => [name, restored(item, key)] as const);
  if (!Object.hasOwn(value, key)) return Object.fromEntries(entries);
  const map = Object.create(null) as Record<string, unknown>;
  for (const [name, item] of entries) map[name === key ? "__proto__" : name] = item;
  return map;
}
