import { messageOf } from "@dspex/core";
import { checkTaken } from "./capabilities.ts";
import { Extended, extensionTypes, Float, payloadOf, readExtension } from "./extension.ts";
import { violation } from "./errors.ts";
import { kinds } from "./kinds.ts";
import { maxFrameDepth } from "./msgpack-inspect.ts";
import { plainOnly, type Frame, type FrameDecoder, type WireCodec } from "./wire-codec.ts";
import type { WireValue } from "./wire-value.ts";

// One frame is one line, always in this form, so that kind and value can be cut out of it:
//   {"kind":"CALL","value":…}
const beforeKind = '{"kind":"';
const beforeValue = '","value":';
const afterValue = "}";

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(kinds).map(([name, kind]) => [kind, name.toUpperCase()]),
);
const numbers: ReadonlyMap<string, number> = new Map([...names].map(([kind, name]) => [name, kind]));

/** A kind that nobody knows: its frames are skipped. */
const unknownKind = 0;

/** Text that people can read: the codec to look for a fault with. What JSON has no word for is a map of one key (`docs/protocol.md` §7). */
export const jsonLinesCodec: WireCodec = {
  name: "json-lines",
  // In text, bytes take a third more.
  chunkBytes: 48 * 1024,

  encode(kind, value, takes) {
    const segments: Uint8Array[] = [];
    const head = beforeKind + names.get(kind) + beforeValue;
    const text = JSON.stringify(
      written(value, { takes, segments: takes.has("chunks") ? segments : undefined }),
    );
    const frame = Buffer.from(`${head}${text}${afterValue}\n`);
    return { kind, frame, body: frame.subarray(head.length, -(afterValue.length + 1)), segments };
  },

  decode({ body, segments }) {
    return read(parsed(Buffer.from(body).toString()), segments, 0);
  },

  chunk(transfer, bytes) {
    return [this.encode(kinds.chunk, [transfer, bytes], plainOnly).frame];
  },

  readChunk(frame) {
    const value = this.decode(frame);
    return Array.isArray(value)
      ? { transfer: value[0] as unknown, bytes: value[1] as unknown }
      : { transfer: undefined, bytes: undefined };
  },

  createDecoder: (maxFrameBytes) => new LineDecoder(maxFrameBytes),
};

type Json = null | boolean | number | string | readonly Json[] | { readonly [field: string]: Json };

/** What the peer takes, and where large parts may go. */
interface Peer {
  readonly takes: ReadonlySet<string>;
  readonly segments: Uint8Array[] | undefined;
}

function written(value: WireValue, peer: Peer): Json {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) && !(Number.isInteger(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER)
        ? value
        : { $float: String(value) };
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : { $int: String(value) };
    case "string":
    case "boolean":
      return value;
    case "undefined":
      return null;
    default:
      return value === null ? null : writtenObject(value, peer);
  }
}

function writtenObject(value: WireValue & object, peer: Peer): Json {
  if (value instanceof Extended) {
    if (value.type === extensionTypes.bytes && peer.segments === undefined)
      return { $bytes: base64(value.data!) };
    checkTaken(value.type, peer.takes);
    return { $ext: [value.type, base64(payloadOf(value, peer.segments))] };
  }
  if (value instanceof Float) return { $float: Object.is(value.value, -0) ? "-0" : String(value.value) };
  if (value instanceof Uint8Array) return { $bytes: base64(value) };
  if (Array.isArray(value)) return (value as readonly WireValue[]).map((item) => written(item, peer));
  const map = Object.create(null) as Record<string, Json>;
  const fields = Object.keys(value);
  for (const field of fields) {
    const name = fields.length === 1 && field.startsWith("$") ? `$${field}` : field;
    map[name] = written((value as Record<string, WireValue>)[field], peer);
  }
  return map;
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw violation(`a line whose value is no JSON (${messageOf(error)})`);
  }
}

function read(value: unknown, segments: readonly Uint8Array[], depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (depth >= maxFrameDepth) throw violation(`a value of more than ${maxFrameDepth} levels`);
  if (Array.isArray(value)) return value.map((item) => read(item, segments, depth + 1));
  const fields = Object.entries(value);
  const [[first, only] = ["", undefined]] = fields;
  if (fields.length === 1 && first.startsWith("$")) {
    if (!first.startsWith("$$")) return readWord(first, only, segments);
    return { [first.slice(1)]: read(only, segments, depth + 1) };
  }
  const map = (Object.hasOwn(value, "__proto__") ? Object.create(null) : {}) as Record<string, unknown>;
  for (const [name, item] of fields) map[name] = read(item, segments, depth + 1);
  return map;
}

/** What JSON has no word for. */
function readWord(word: string, value: unknown, segments: readonly Uint8Array[]): unknown {
  if (word === "$float" && typeof value === "string" && float.test(value)) return Number(value);
  if (word === "$int" && typeof value === "string" && /^-?\d{1,20}$/.test(value)) {
    const integer = BigInt(value);
    return integer >= -maxExact && integer <= maxExact ? Number(integer) : integer;
  }
  if (word === "$bytes" && typeof value === "string") return Buffer.from(value, "base64");
  if (word === "$ext" && Array.isArray(value) && typeof value[0] === "number" && typeof value[1] === "string")
    return readExtension(value[0], Buffer.from(value[1], "base64"), segments);
  throw violation(`a map whose one key is ${JSON.stringify(word)}`);
}

/** As the other codec: up to here an integer is a number. */
const maxExact = 2n ** 53n;
const float = /^(?:NaN|-?Infinity|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/** Cuts a stream into lines. One that is too long is found before more of it is kept. */
class LineDecoder implements FrameDecoder {
  readonly #maxLineBytes: number;
  #chunks: Buffer[] = [];
  #held = 0;

  constructor(maxFrameBytes: number) {
    this.#maxLineBytes = maxFrameBytes + beforeKind.length + beforeValue.length + 64;
  }

  push(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let start = 0;
    for (let end = chunk.indexOf("\n"); end !== -1; end = chunk.indexOf("\n", start)) {
      const line = this.#completed(chunk.subarray(start, end));
      start = end + 1;
      if (line.length > 0) onFrame(frameOf(line));
    }
    if (start === chunk.length) return;
    this.#hold(Buffer.from(chunk.subarray(start)));
  }

  #completed(end: Buffer): Buffer {
    this.#hold(end);
    const line = this.#chunks.length === 1 ? end : Buffer.concat(this.#chunks, this.#held);
    this.#chunks = [];
    this.#held = 0;
    return line;
  }

  #hold(part: Buffer): void {
    this.#chunks.push(part);
    this.#held += part.length;
    if (this.#held > this.#maxLineBytes) throw violation(`a line of more than ${this.#maxLineBytes} bytes`);
  }
}

function frameOf(line: Buffer): Frame {
  const nameEnd = line.indexOf('"', beforeKind.length);
  const valueAt = nameEnd + beforeValue.length;
  if (
    line.toString("latin1", 0, beforeKind.length) !== beforeKind ||
    line.toString("latin1", nameEnd, valueAt) !== beforeValue ||
    line.at(-1) !== afterValue.charCodeAt(0)
  )
    throw violation("a line that is no frame");
  const name = line.toString("latin1", beforeKind.length, nameEnd);
  return { kind: numbers.get(name) ?? unknownKind, body: line.subarray(valueAt, -1), segments: [] };
}
