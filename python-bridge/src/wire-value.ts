import { DspexError, show } from "@dspex/core";

/** What can cross the wire: plain data only (`docs/protocol.md` §3). */
export type WireValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly WireValue[]
  | { readonly [field: string]: WireValue };

/** Deeper values are rejected by both halves. */
const maxDepth = 512;

/** The codec writes an integer above this as a float, which Python would show as `4294967296.0` in a prompt. */
const maxPlainInteger = 2 ** 32 - 1;

/** Where the walk is. Walks are synchronous and never nest, so one trail serves all and the usual case builds no path. */
const trail: (string | number)[] = [];

/**
 * Makes `value` safe for the codec, which would silently corrupt some values (typed arrays, large integers, maps).
 * Returns `value` itself when nothing has to change, which is the usual case and costs no copy.
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
      return Number.isSafeInteger(value) && Math.abs(value) > maxPlainInteger ? BigInt(value) : value;
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
      if (value >= -(2n ** 63n) && value < 2n ** 64n) return value;
      throw notSerializable(value, "an integer of at most 64 bits");
    case "object":
      return value === null ? null : visitObject(value);
    default:
      throw notSerializable(value, "plain data");
  }
}

function visitObject(value: object): WireValue {
  if (trail.length >= maxDepth)
    throw notSerializable(value, `at most ${maxDepth} levels deep and without cycles`);
  if (Array.isArray(value)) return visitArray(value);
  if (value instanceof Uint8Array) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  // A plain object of another realm has another Object.prototype, but that one's prototype is null too.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw notSerializable(value, "plain data (a Date goes as toISOString(), a Map as Object.fromEntries())");
  return visitRecord(value as Record<string, unknown>);
}

function visitArray(value: readonly unknown[]): WireValue {
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
  let copy: Record<string, WireValue> | undefined;
  for (const field of Object.keys(value)) {
    trail.push(field);
    // The codec renames this key to keep prototypes safe; better to say so than to send another key.
    if (field === "__proto__") throw notSerializable(value[field], "under another name");
    const safe = visit(value[field]);
    trail.pop();
    if (Object.is(safe, value[field]) && safe !== undefined) continue;
    copy ??= { ...value } as Record<string, WireValue>;
    if (safe === undefined) delete copy[field];
    else copy[field] = safe;
  }
  return copy ?? (value as { readonly [field: string]: WireValue });
}

function notSerializable(value: unknown, expected: string): DspexError<"ERR_NOT_SERIALIZABLE"> {
  const path = trail.reduce<string>(
    (before, step) => before + (typeof step === "number" ? `[${step}]` : `.${step}`),
    "value",
  );
  // An object is named by its class: to print one that is too deep or cyclic would fail in the same way.
  const received = typeof value === "object" ? Object.prototype.toString.call(value) : show(value);
  return new DspexError(
    "ERR_NOT_SERIALIZABLE",
    `${path} cannot be sent to Python: it must be ${expected}; received ${received}.`,
    { details: { path, received } },
  );
}
