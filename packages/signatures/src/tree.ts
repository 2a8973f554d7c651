/**
 * A signature as data: what crosses the wire, what specs are hashed over, and what Python builds DSPy's class from.
 * Python never sees the text that it was parsed from.
 */
export interface SignatureSpec {
  /** The task in words. `null`: DSPy's default instructions for these fields. */
  readonly instructions: string | null;
  readonly inputs: readonly FieldSpec[];
  readonly outputs: readonly FieldSpec[];
}

export interface FieldSpec {
  /** A Python identifier in NFKC form. */
  readonly name: string;
  readonly type: TypeNode;
  /** What the prompt says about the field. `null`: DSPy's default. */
  readonly desc: string | null;
}

/** A value of a `Literal`. Numbers are whole. */
export type LiteralValue = string | number | boolean | null;

/** A type of DSPy's grammar. An item, key or value of `null` is unconstrained, as in a bare `list` or `dict`. */
export type TypeNode =
  | { readonly kind: "str" | "int" | "float" | "bool" | "none" }
  | { readonly kind: "list"; readonly item: TypeNode | null }
  | { readonly kind: "dict"; readonly key: TypeNode | null; readonly value: TypeNode | null }
  | { readonly kind: "literal"; readonly values: readonly LiteralValue[] }
  /** Flat, without duplicates, of at least two members of which at most one is `none`. */
  | { readonly kind: "union"; readonly members: readonly TypeNode[] };
