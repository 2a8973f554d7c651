import { DspexError } from "@dspex/core";

export type Token = {
  /** Where it starts in the signature's text. */
  readonly at: number;
} & (
  | { readonly kind: "name" | "number" | "symbol"; readonly text: string }
  /** `text` is the decoded value. */
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "end"; readonly text: "" }
);

/** A signature's text, which knows how to complain about itself. */
export class Source {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  error(position: number, problem: string, remedy: string): DspexError<"ERR_SIGNATURE"> {
    const { text } = this;
    const line = excerpt(text, position);
    return new DspexError(
      "ERR_SIGNATURE",
      `Invalid signature: ${problem}, at position ${position}: ${line}. ${remedy}`,
      {
        details: { text, position, problem, remedy },
      },
    );
  }
}

/** The surroundings of a position on one line, the position marked. */
function excerpt(text: string, position: number): string {
  const from = Math.max(0, position - 40);
  const before = `${from > 0 ? "…" : ""}${text.slice(from, position)}`;
  const after = `${text.slice(position, position + 40)}${position + 40 < text.length ? "…" : ""}`;
  return `"${`${before}⟨here⟩${after}`.replace(/\s+/g, " ")}"`;
}

/** Python's tokens as far as this grammar knows them; any other character is a symbol that no rule expects. */
const pattern = new RegExp(
  [
    /(?<blank>(?:[ \t\f\r\n]|#[^\n]*\n)+)/u,
    /(?<quote>['"])(?<quoted>(?:\\[^\n]|(?!\k<quote>)[^\\\n])*)\k<quote>/u,
    /(?<name>[\p{XID_Start}_]\p{XID_Continue}*(?:\.[\p{XID_Start}_]\p{XID_Continue}*)*)/u,
    /(?<number>[0-9][\p{XID_Continue}.]*)/u,
    /(?<symbol>.)/su,
  ]
    .map(({ source }) => source)
    .join("|"),
  "gsu",
);

/** Splits the text from `start` to `end` into tokens; the last one is `end`. */
export function tokenize(source: Source, start: number, end: number): Token[] {
  const text = source.text.slice(start, end);
  const tokens: Token[] = [];
  for (const { index, 0: whole, groups } of text.matchAll(pattern)) {
    const at = start + index;
    const { quote, quoted, name, number, symbol } = groups!;
    if (quoted !== undefined) {
      if (whole.length === 2 && text[index + 2] === quote)
        throw source.error(at, "triple quotes are not supported", "Quote it once.");
      tokens.push({ kind: "string", text: unescape(source, quoted, at + 1), at });
    } else if (name !== undefined) tokens.push({ kind: "name", text: name, at });
    else if (number !== undefined) tokens.push({ kind: "number", text: number, at });
    else if (symbol !== undefined) tokens.push({ kind: "symbol", text: symbol, at });
  }
  tokens.push({ kind: "end", text: "", at: end });
  return tokens;
}

const escapes = new Map([
  ["\\", "\\"],
  ["'", "'"],
  ['"', '"'],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

function unescape(source: Source, quoted: string, at: number): string {
  return quoted.replace(/\\(.)/gsu, (sequence, character: string, offset: number) => {
    const decoded = escapes.get(character);
    if (decoded !== undefined) return decoded;
    throw source.error(
      at + offset,
      `the escape \`${sequence}\` is not supported`,
      "Write the character itself, or one of \\\\ \\' \\\" \\n \\r \\t.",
    );
  });
}
