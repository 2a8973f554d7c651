import { DspexError, show } from "@dspex/core";
import type { Side } from "./names.ts";
import type { FieldSpec, TypeNode } from "./tree.ts";
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
    const wrong = findMismatch(type, value[name], name);
    if (wrong !== undefined)
      throw mismatch(
        side,
        wrong.path,
        typeText(wrong.type),
        wrong.value,
        `The ${side} \`${wrong.path}\` must be`,
      );
  }
  for (const [name, extra] of Object.entries(value))
    if (extra !== undefined && !fields.some((field) => field.name === name))
      throw mismatch(side, name, fieldList(fields), extra, `There is no ${side} \`${name}\`; the fields are`);
}

interface Mismatch {
  readonly path: string;
  readonly type: TypeNode;
  readonly value: unknown;
}

/** The first place within `value` that does not fit `type`. */
function findMismatch(type: TypeNode, value: unknown, path: string): Mismatch | undefined {
  const unless = (fits: boolean): Mismatch | undefined => (fits ? undefined : { path, type, value });
  switch (type.kind) {
    case "str":
      return unless(typeof value === "string");
    case "int":
      return unless(Number.isSafeInteger(value));
    case "float":
      return unless(typeof value === "number");
    case "bool":
      return unless(typeof value === "boolean");
    case "none":
      return unless(value === null);
    case "literal":
      return unless(type.values.some((allowed) => allowed === value));
    case "union":
      return unless(type.members.some((member) => findMismatch(member, value, path) === undefined));
    case "list": {
      if (!Array.isArray(value)) return { path, type, value };
      const { item } = type;
      return item === null
        ? undefined
        : first(value, (entry, index) => findMismatch(item, entry, `${path}[${index}]`));
    }
    case "dict": {
      if (!isObject(value)) return { path, type, value };
      const { key, value: inner } = type;
      if (key === null || inner === null) return undefined;
      return first(Object.entries(value), ([name, entry]) =>
        isKey(key, name)
          ? findMismatch(inner, entry, `${path}[${JSON.stringify(name)}]`)
          : { path: `${path}[${JSON.stringify(name)}]`, type: key, value: name },
      );
    }
  }
}

/** Keys are text in JavaScript and on the wire: an int is its decimal text there. */
function isKey(type: TypeNode, key: string): boolean {
  if (type.kind === "int") return /^-?(0|[1-9][0-9]*)$/.test(key);
  return type.kind === "literal" ? type.values.some((allowed) => String(allowed) === key) : true;
}

function first<T, R>(items: readonly T[], find: (item: T, index: number) => R | undefined): R | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
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
