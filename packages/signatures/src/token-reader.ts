import type { DspexError } from "@dspex/core";
import type { Source, Token } from "./tokens.ts";

/** What Python's parameter syntax knows beyond this grammar, most of which DSPy accepts and drops without a word. */
const remedies = new Map([
  ["=", "DSPy ignores default values; leave it out."],
  ["*", "DSPy drops starred and keyword-only parameters; leave it out."],
  ["/", "DSPy drops positional-only parameters; leave it out."],
  ["#", "A comment must end with a line break."],
  ["'", "Close the quote on the same line."],
  ['"', "Close the quote on the same line."],
]);

/** Walks over the tokens of one side of a signature. */
export class TokenReader {
  readonly source: Source;
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(source: Source, tokens: readonly Token[]) {
    this.source = source;
    this.#tokens = tokens;
  }

  /** The token to be read next; at the end, `end` for ever. */
  get peek(): Token {
    return this.#tokens[this.#next]!;
  }

  atEnd(): boolean {
    return this.peek.kind === "end";
  }

  read(): Token {
    const token = this.peek;
    if (!this.atEnd()) this.#next += 1;
    return token;
  }

  /** Does the symbol come next? */
  sees(symbol: string): boolean {
    return this.peek.kind === "symbol" && this.peek.text === symbol;
  }

  /** Reads the symbol if it comes next. */
  skip(symbol: string): boolean {
    const found = this.sees(symbol);
    if (found) this.#next += 1;
    return found;
  }

  expectName(what: string): Token {
    if (this.peek.kind !== "name") throw this.unexpected(what);
    return this.read();
  }

  /** The error for a next token that is not `expected`. */
  unexpected(expected: string): DspexError<"ERR_SIGNATURE"> {
    const { kind, text, at } = this.peek;
    const found = kind === "end" ? "nothing" : kind === "string" ? "a string" : `\`${text}\``;
    const remedy = remedies.get(text) ?? 'Write fields as in "question, context: list[str] -> answer".';
    return this.source.error(at, `expected ${expected}, found ${found}`, remedy);
  }
}
