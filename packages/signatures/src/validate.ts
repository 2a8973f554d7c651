import { DspexError, show } from "@dspex/core";
import type { Side } from "./names.ts";
import type { FieldSpec, LiteralValue, TypeNode } from "./tree.ts";
import { typeText } from "./type-text.ts";

/**
 * Checks the inputs of a call before anything is sent, or the outputs that came back. Nothing is converted.
 *
 * @throws ERR_INVALID_INPUT or ERR_INVALID_OUTPUT for the first field that is missing, unknown, or of another type.
 */
export function validateFields(
  fields: readonly FieldSpec[],
  value: unknown,
  side: Side,
): asserts value is Record<string, unknown> {
  if (!isObject(value))
    throw mismatch(side, "", fieldList(fields), value, `The ${side} must be an object with the fields`);
  for (const { name, type } of fields) {
    if (!Object.hasOwn(value, name) || value[name] === undefined)
      throw mismatch(side, name, typeText(type), undefined, `The ${side} \`${name}\` is missing; it must be`);
    const wrong = findMismatch(type, value[name]);
    if (wrong === undefined) continue;
    const place = name + wrong.within;
    throw mismatch(side, place, typeText(wrong.type), wrong.value, `The ${side} \`${place}\` must be`);
  }
  const names = Object.keys(value);
  if (names.length === fields.length) return; // all fields are there, so these are they
  for (const name of names)
    if (value[name] !== undefined && !fields.some((field) => field.name === name))
      throw mismatch(
        side,
        name,
        fieldList(fields),
        value[name],
        `There is no ${side} \`${name}\`; the fields are`,
      );
}

interface Mismatch {
  /** Where within the value: `[2]`, `["a"][0]`, or empty for the value itself. */
  readonly within: string;
  readonly type: TypeNode;
  readonly value: unknown;
}

/** The first place within `value` that does not fit `type`. Every call comes through here: only a failure allocates. */
function findMismatch(type: TypeNode, value: unknown): Mismatch | undefined {
  if (type.kind === "list" && Array.isArray(value)) return findInList(type.item, value);
  if (type.kind === "dict" && isObject(value)) return findInDict(type.key, type.value, value);
  return fits(type, value) ? undefined : { within: "", type, value };
}

function fits(type: TypeNode, value: unknown): boolean {
  switch (type.kind) {
    case "str":
      return typeof value === "string";
    case "int":
      return Number.isSafeInteger(value);
    case "float":
      return typeof value === "number";
    case "bool":
      return typeof value === "boolean";
    case "none":
      return value === null;
    case "literal":
      return type.values.includes(value as LiteralValue);
    case "union":
      return type.members.some((member) => findMismatch(member, value) === undefined);
    case "list":
    case "dict":
      return false; // those that are lists and dicts were looked into
  }
}

function findInList(item: TypeNode | null, value: readonly unknown[]): Mismatch | undefined {
  if (item === null) return undefined;
  for (let index = 0; index < value.length; index += 1) {
    const wrong = findMismatch(item, value[index]);
    if (wrong !== undefined) return { ...wrong, within: `[${index}]${wrong.within}` };
  }
  return undefined;
}

function findInDict(
  key: TypeNode | null,
  item: TypeNode | null,
  value: Readonly<Record<string, unknown>>,
): Mismatch | undefined {
  if (key === null || item === null) return undefined;
  for (const name of Object.keys(value)) {
    const wrong = isKey(key, name) ? findMismatch(item, value[name]) : { within: "", type: key, value: name };
    if (wrong !== undefined) return { ...wrong, within: `[${JSON.stringify(name)}]${wrong.within}` };
  }
  return undefined;
}

/** Keys are text in JavaScript and on the wire: an int is its decimal text there. */
function isKey(type: TypeNode, key: string): boolean {
  if (type.kind === "int") return /^-?(0|[1-9][0-9]*)$/.test(key);
  return type.kind === "literal" ? type.values.some((allowed) => String(allowed) === key) : true;
}

/** A plain object: neither an array nor an instance of some class, which could not cross the wire. */
function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Objects of another realm have another Object.prototype: it is the one without a prototype of its own.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function fieldList(fields: readonly FieldSpec[]): string {
  return fields.map(({ name, type }) => `${name}: ${typeText(type)}`).join(", ") || "(none)";
}

function mismatch(side: Side, field: string, expected: string, value: unknown, start: string): DspexError {
  const received = value === undefined ? "nothing" : show(value);
  const message = `${start} ${expected}; received ${received}.`;
  const options = { details: { field, expected, received } };
  return side === "input"
    ? new DspexError("ERR_INVALID_INPUT", message, options)
    : new DspexError("ERR_INVALID_OUTPUT", message, options);
}
