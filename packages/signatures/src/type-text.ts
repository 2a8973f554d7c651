import type { LiteralValue, TypeNode } from "./tree.ts";

/** A type in DSPy's notation: `list[str]`, `Literal['a', 1] | None`. Parsing the text gives the node again. */
export function typeText(node: TypeNode): string {
  switch (node.kind) {
    case "none":
      return "None";
    case "list":
      return node.item === null ? "list" : `list[${typeText(node.item)}]`;
    case "dict":
      return node.key === null || node.value === null
        ? "dict"
        : `dict[${typeText(node.key)}, ${typeText(node.value)}]`;
    case "literal":
      return `Literal[${node.values.map(literalText).join(", ")}]`;
    case "union":
      return node.members.map(typeText).join(" | ");
    case "str":
    case "int":
    case "float":
    case "bool":
      return node.kind;
  }
}

const escapes: Record<string, string> = { "\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function literalText(value: LiteralValue): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  return `'${value.replace(/[\\'\n\r\t]/g, (character) => escapes[character]!)}'`;
}
