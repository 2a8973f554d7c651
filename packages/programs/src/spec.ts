import { createHash } from "node:crypto";
import type { FieldSpec, SignatureSpec } from "@dspex/signatures";

/** DSPy's modules that a spec can name so far. */
export const moduleNames = ["Predict", "ChainOfThought"] as const;

export type ModuleName = (typeof moduleNames)[number];

/** A program as data: everything a worker needs to build it, and nothing secret. Any worker can serve any call. */
export interface ProgramSpec {
  readonly module: ModuleName;
  readonly signature: Omit<SignatureSpec, "inputs"> & {
    readonly inputs: readonly (FieldSpec | HistoryField)[];
  };
}

/** The input that carries a conversation. It is no part of a signature: a program adds it, and DSPy renders it as turns. */
export interface HistoryField {
  readonly name: "history";
  readonly type: { readonly kind: "history" };
  readonly desc: null;
}

/**
 * The content hash of a spec, 32 hexadecimal digits of SHA-256 over its canonical JSON (keys sorted): equal specs have
 * equal hashes, wherever and however they were written.
 */
export function specHash(spec: ProgramSpec): string {
  return createHash("sha256").update(canonicalJson(spec)).digest("hex").slice(0, 32);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === "object" && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}
