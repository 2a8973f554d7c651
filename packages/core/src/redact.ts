/** Field names whose values are secrets, whatever they hold. */
const secretName =
  /^(.*[-_.])?(api[-_]?key|authorization|password|passwd|secret|token|credentials?|cookie)([-_.].*)?$/i;

const mask = "[redacted]";

/** Removes secrets from what is about to leave the process (G11). */
export interface Redactor {
  /** Remembers a secret, so that it is masked wherever its text turns up. Values shorter than 6 characters are not. */
  add(secret: string): void;
  /** Masks every remembered secret in a text. */
  text(text: string): string;
  /**
   * A copy of `value` with every remembered secret masked, and every field masked whose name says that it holds one.
   * Depth is bounded: what lies deeper than 8 levels is replaced by `[…]`.
   */
  value(value: unknown): unknown;
}

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  const text = (input: string): string => {
    let output = input;
    for (const secret of secrets) if (output.includes(secret)) output = output.replaceAll(secret, mask);
    return output;
  };
  const visit = (value: unknown, depth: number): unknown => {
    if (typeof value === "string") return text(value);
    if (typeof value !== "object" || value === null) return value;
    if (depth === 0) return "[…]";
    if (Array.isArray(value)) return value.map((item) => visit(item, depth - 1));
    if ("toJSON" in value && typeof value.toJSON === "function") return visit(value.toJSON(), depth - 1);
    const copy: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(value))
      copy[name] = secretName.test(name) && field !== undefined ? mask : visit(field, depth - 1);
    return copy;
  };
  return {
    add(secret) {
      if (secret.length >= 6) secrets.add(secret);
    },
    text,
    value: (value) => visit(value, 8),
  };
}
