import { types } from "node:util";
import { DspexError, show } from "@dspex/core";
import { isArrowTable } from "./arrow-table.ts";
import {
  arrowExtension,
  bigintExtension,
  bytesExtension,
  datetimeExtension,
  Extended,
  Float,
  maxBigintBytes,
  ndArrayExtension,
  segmentBytes,
  typedArrayExtension,
} from "./extension.ts";
import { isNdArray } from "./nd-array.ts";

/** What can cross the wire: plain data, and what {@link toWire} made of the rest (`docs/protocol.md` §3). */
export type WireValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Extended
  | Float
  | readonly WireValue[]
  | { readonly [field: string]: WireValue };

/** Deeper values are rejected by both halves. */
const maxDepth = 512;

/** The codec writes an integer beyond these as a float, which Python would show as `4294967296.0` in a prompt. */
const maxPlainInteger = 2 ** 32 - 1;
const minPlainInteger = -(2 ** 31);

/** Up to here every integer is a number of its own. */
const maxExactInteger = 2 ** 53;

/** The codec would write it as the integer 0. */
const negativeZero = new Float(-0);

/** Where the walk is. Walks are synchronous and never nest, so one trail serves all and the usual case builds no path. */
const trail: (string | number)[] = [];

/**
 * Makes `value` safe for the codec, which would silently corrupt some values (typed arrays, large integers, maps).
 * Returns `value` itself when nothing has to change, which is the usual case and costs no copy. Bytes and arrays are
 * not copied either: they must not change before the call that sends them has settled.
 *
 * @throws DspexError `ERR_NOT_SERIALIZABLE` with the path of what cannot cross.
 */
export function toWire(value: unknown): WireValue {
  trail.length = 0;
  return visit(value);
}

function visit(value: unknown): WireValue {
  switch (typeof value) {
    case "string":
      return value.isWellFormed() ? value : value.toWellFormed();
    case "number":
      return visitNumber(value);
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
      return visitBigint(value);
    case "object":
      return value === null ? null : visitObject(value);
    default:
      throw notSerializable(value, "is no plain data", "Leave it out");
  }
}

function visitNumber(value: number): WireValue {
  if (value === 0) return Object.is(value, -0) ? negativeZero : value;
  if (value <= maxPlainInteger && value >= minPlainInteger) return value;
  return Number.isInteger(value) && Math.abs(value) <= maxExactInteger ? BigInt(value) : value;
}

function visitBigint(value: bigint): WireValue {
  if (value >= -(2n ** 63n) && value < 2n ** 64n) return value;
  const extension = bigintExtension(value);
  if (extension !== undefined) return extension;
  throw notSerializable(value, `is an integer of more than ${maxBigintBytes} bytes`, "Send it as text");
}

function visitObject(value: object): WireValue {
  if (Array.isArray(value)) return visitArray(value);
  if (value instanceof Uint8Array) return value.byteLength < segmentBytes ? value : bytesExtension(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of another realm has another Object.prototype, but that one's prototype is null too.
  if (prototype === null || Object.getPrototypeOf(prototype) === null)
    return visitRecord(value as Record<string, unknown>);
  // Where it went through here before.
  if (value instanceof Extended || value instanceof Float) return value;
  if (isNdArray(value)) return ndArrayExtension(value);
  if (isArrowTable(value)) return arrowExtension(value);
  if (types.isDate(value)) return visitDate(value);
  const typedArray = typedArrayExtension(value);
  if (typedArray !== undefined) return typedArray;
  throw notSerializable(value, "is no plain data", remedy(value));
}

function visitDate(date: Date): WireValue {
  const extension = datetimeExtension(date);
  if (extension !== undefined) return extension;
  throw notSerializable(
    date,
    "is no date between the years 1 and 9999",
    "Send a valid Date, or another as text",
  );
}

function visitArray(value: readonly unknown[]): WireValue {
  enter(value);
  let copy: WireValue[] | undefined;
  for (let index = 0; index < value.length; index += 1) {
    trail.push(index);
    const safe = visit(value[index]);
    trail.pop();
    if (!Object.is(safe, value[index])) copy ??= value.slice(0, index) as WireValue[];
    copy?.push(safe);
  }
  return copy ?? (value as readonly WireValue[]);
}

function visitRecord(value: Record<string, unknown>): WireValue {
  enter(value);
  let copy: Record<string, WireValue> | undefined;
  const fields = Object.keys(value);
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index]!;
    trail.push(field);
    const safe = visit(value[field]);
    trail.pop();
    if (copy === undefined) {
      if (Object.is(safe, value[field]) && safe !== undefined && field.isWellFormed()) continue;
      copy = firstFields(value, fields.slice(0, index));
    }
    if (safe !== undefined) copy[field.toWellFormed()] = safe;
  }
  return copy ?? (value as { readonly [field: string]: WireValue });
}

/** Without a prototype: a field may have the name of what one has. */
function firstFields(value: Record<string, unknown>, fields: readonly string[]): Record<string, WireValue> {
  const copy = Object.create(null) as Record<string, WireValue>;
  for (const field of fields) copy[field] = value[field] as WireValue;
  return copy;
}

function enter(container: object): void {
  if (trail.length >= maxDepth)
    throw notSerializable(container, `is more than ${maxDepth} levels deep`, "Cut it, or break its cycle");
}

/** What to send in place of an object that is no plain data. */
function remedy(value: object): string {
  if (types.isMap(value)) return "Send Object.fromEntries(map)";
  if (types.isSet(value)) return "Send [...set]";
  if (types.isNativeError(value)) return "Send error.message";
  if (types.isRegExp(value)) return "Send regExp.source";
  if (types.isPromise(value)) return "Send what it resolves to";
  if (types.isAnyArrayBuffer(value)) return "Send new Uint8Array(buffer)";
  if (types.isDataView(value)) return "Send new Uint8Array(view.buffer, view.byteOffset, view.byteLength)";
  if (types.isBoxedPrimitive(value)) return "Send value.valueOf()";
  if (ArrayBuffer.isView(value)) return "Send a Float32Array or another array that numpy knows";
  if (value instanceof URL) return "Send url.href";
  if ("schema" in value && "batches" in value) return "Send arrowTable(tableToIPC(table))";
  return "Send a plain object with its fields";
}

const plainName = /^[A-Za-z_$][\w$]*$/;

function notSerializable(
  value: unknown,
  reason: string,
  remedyText: string,
): DspexError<"ERR_NOT_SERIALIZABLE"> {
  const path = trail.reduce<string>((before, step) => {
    if (typeof step === "number") return `${before}[${step}]`;
    return plainName.test(step) ? `${before}.${step}` : `${before}[${JSON.stringify(step)}]`;
  }, "value");
  // An object is named by its class: to print one that is too deep or cyclic would fail in the same way.
  const received = typeof value === "object" ? Object.prototype.toString.call(value) : show(value);
  return new DspexError(
    "ERR_NOT_SERIALIZABLE",
    `${path} cannot be sent to Python: it ${reason}; received ${received}. ${remedyText}.`,
    { details: { path, received } },
  );
}
