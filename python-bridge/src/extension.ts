import { arrowTable, type ArrowTable } from "./arrow-table.ts";
import { violation } from "./errors.ts";
import {
  elementTypeOf,
  maxDimensions,
  ndArray,
  ndArrayTypes,
  type NdArray,
  type NdArrayElements,
  type NdArrayType,
} from "./nd-array.ts";

/** The MessagePack extension types of the protocol (`docs/protocol.md` §3). */
export const extensionTypes = { datetime: 32, bigint: 33, ndarray: 34, bytes: 35, arrow: 36 } as const;

/** Bytes from this size on travel in a segment of their own, from where they are to where they are used. */
export const segmentBytes = 64 * 1024;

const maxSegments = 65_535;

/** The longest big integer, in bytes. */
export const maxBigintBytes = 8_192;

/** Years 1 to 9999, which is what Python's `datetime` knows, in milliseconds since 1970. */
const minDateMs = -62_135_596_800_000;
const maxDateMs = 253_402_300_799_999;

/** A value for which plain MessagePack has no word, in the form in which it crosses: `toWire` makes it, a codec writes it. */
export class Extended {
  readonly type: number;
  readonly head: Uint8Array;
  /** What follows the head, behind the number of its segment; `undefined` where the head is all. */
  readonly data: Uint8Array | undefined;

  constructor(type: number, head: Uint8Array, data?: Uint8Array) {
    this.type = type;
    this.head = head;
    this.data = data;
  }
}

/** A whole number that stays a float: JavaScript knows no difference, the wire does. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** The payload of an extension. Data that is large is left to `segments`, where there are such. */
export function payloadOf({ head, data }: Extended, segments: Uint8Array[] | undefined): Uint8Array {
  if (data === undefined) return head;
  const apart = segments !== undefined && data.byteLength >= segmentBytes && segments.length < maxSegments;
  const payload = Buffer.allocUnsafe(2 + head.length + (apart ? 0 : data.byteLength));
  payload.writeUInt16BE(apart ? segments.push(data) : 0, 0);
  payload.set(head, 2);
  if (!apart) payload.set(data, 2 + head.length);
  return payload;
}

/**
 * Reads the payload of an extension.
 *
 * @param segments what arrived beside the value, the first being segment 1.
 * @throws DspexError `ERR_PROTOCOL_VIOLATION`.
 */
export function readExtension(type: number, payload: Uint8Array, segments: readonly Uint8Array[]): unknown {
  switch (type) {
    case extensionTypes.datetime:
      return readDatetime(payload);
    case extensionTypes.bigint:
      return readBigint(payload);
    case extensionTypes.ndarray:
      return readNdArray(payload, segments);
    case extensionTypes.bytes:
      return readData(payload, 2, segments);
    case extensionTypes.arrow:
      return arrowTable(readData(payload, 2, segments));
    default:
      throw violation(`extension type ${type}`);
  }
}

/** @returns `undefined` for a date that Python does not know, and for an invalid one. */
export function datetimeExtension(date: Date): Extended | undefined {
  const ms = date.getTime();
  if (!(ms >= minDateMs && ms <= maxDateMs)) return undefined;
  const head = Buffer.allocUnsafe(8);
  head.writeBigInt64BE(BigInt(ms) * 1_000n);
  return new Extended(extensionTypes.datetime, head);
}

/** A `Date` has no microseconds: they are cut off, towards the past. */
function readDatetime(payload: Uint8Array): Date {
  if (payload.length !== 8) throw violation("a datetime that is not of 8 bytes");
  const us = viewOf(payload).getBigInt64(0);
  const ms = Number(us / 1_000n) - (us % 1_000n < 0n ? 1 : 0);
  if (ms < minDateMs || ms > maxDateMs) throw violation("a datetime before the year 1 or after 9999");
  return new Date(ms);
}

/** @returns `undefined` for an integer that is longer than the wire takes. */
export function bigintExtension(value: bigint): Extended | undefined {
  const digits = (value < 0n ? ~value : value).toString(16);
  const bits = 4 * digits.length - Math.clz32(Number.parseInt(digits[0]!, 16)) + 28;
  const bytes = Math.floor(bits / 8) + 1; // with room for the sign
  if (bytes > maxBigintBytes) return undefined;
  const hex = BigInt.asUintN(bytes * 8, value)
    .toString(16)
    .padStart(bytes * 2, "0");
  return new Extended(extensionTypes.bigint, Buffer.from(hex, "hex"));
}

function readBigint(payload: Uint8Array): bigint {
  if (payload.length === 0 || payload.length > maxBigintBytes)
    throw violation(`a big integer of ${payload.length} bytes`);
  return BigInt.asIntN(payload.length * 8, BigInt(`0x${Buffer.from(payload).toString("hex")}`));
}

export function bytesExtension(bytes: Uint8Array): Extended {
  return new Extended(extensionTypes.bytes, new Uint8Array(), bytes);
}

export function arrowExtension({ ipc }: ArrowTable): Extended {
  return new Extended(extensionTypes.arrow, new Uint8Array(), ipc);
}

export function ndArrayExtension({ dtype, shape, data }: NdArray): Extended {
  const head = Buffer.allocUnsafe(2 + 4 * shape.length);
  head[0] = ndArrayTypes[dtype].code;
  head[1] = shape.length;
  for (const [index, size] of shape.entries()) head.writeUInt32BE(size, 2 + 4 * index);
  return new Extended(
    extensionTypes.ndarray,
    head,
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
}

/** A typed array as an array of one dimension; `undefined` for anything else. */
export function typedArrayExtension(value: unknown): Extended | undefined {
  return elementTypeOf(value) === undefined ? undefined : ndArrayExtension(ndArray(value as NdArrayElements));
}

function readNdArray(payload: Uint8Array, segments: readonly Uint8Array[]): NdArray {
  const dtype = (Object.keys(ndArrayTypes) as NdArrayType[]).find(
    (name) => ndArrayTypes[name].code === payload[2],
  );
  const dimensions = payload[3] ?? Infinity;
  const dataAt = 4 + 4 * dimensions;
  if (dtype === undefined || dimensions > maxDimensions || dataAt > payload.length)
    throw violation("an array without its type and shape");
  const view = viewOf(payload);
  const shape = Array.from({ length: dimensions }, (_, index) => view.getUint32(4 + 4 * index));
  const { elements } = ndArrayTypes[dtype];
  const size = elements.BYTES_PER_ELEMENT;
  const data = readData(payload, dataAt, segments);
  if (shape.reduce((product, n) => product * n, size) !== data.byteLength)
    throw violation("an array whose shape does not fit its data");
  return ndArray(new elements(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / size), {
    shape,
    ...(dtype === "bool" ? { dtype } : {}),
  });
}

/** The data of an extension, in memory of its own: aligned for every type of element, and not keeping the frame alive. */
function readData(payload: Uint8Array, at: number, segments: readonly Uint8Array[]): Uint8Array {
  if (payload.length < at) throw violation("an extension that is cut off");
  const index = viewOf(payload).getUint16(0);
  if (index === 0) return ownCopy(payload.subarray(at));
  const segment = segments[index - 1];
  if (segment === undefined || payload.length !== at)
    throw violation(`an extension that names segment ${index}, which did not arrive`);
  return segment;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A copy that shares no memory with anything: not with the frame it came in, nor with other small buffers. */
function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
