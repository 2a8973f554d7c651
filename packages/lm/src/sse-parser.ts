/**
 * Reads the data of server-sent events out of a byte stream, wherever its pieces are cut (WHATWG HTML §9.2.6). Names, ids
 * and comments are skipped: a chat completion has no use for them. An event is complete with its empty line; what an ended
 * stream leaves unfinished never comes out.
 */
export class SseParser {
  readonly #maxLength: number;
  readonly #tooLong: () => Error;
  readonly #decoder = new TextDecoder(); // drops a leading byte order mark
  /** The last line, as far as it has come. */
  #line = "";
  #data: string[] = [];
  #dataLength = 0;
  /** The text so far ends with a carriage return, to which a line feed may still belong. */
  #afterReturn = false;

  /**
   * @param maxLength of a line and of the data of an event, in UTF-16 code units (G4).
   * @param tooLong makes what is thrown beyond it.
   */
  constructor(maxLength: number, tooLong: () => Error) {
    this.#maxLength = maxLength;
    this.#tooLong = tooLong;
  }

  /** The data of each event that `bytes` completes. */
  *push(bytes: Uint8Array): Generator<string, void, void> {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return;
    if (this.#afterReturn && text.startsWith("\n")) text = text.slice(1);
    this.#afterReturn = text.endsWith("\r");
    const [first = "", ...others] = text.split(/\r\n|\n|\r/);
    this.#line += first;
    for (const next of others) {
      if (this.#line === "") yield* this.#endEvent();
      else this.#endLine();
      this.#line = next;
    }
    if (this.#line.length > this.#maxLength) throw this.#tooLong();
  }

  #endLine(): void {
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(this.#line) ?? [];
    if (name !== "data") return;
    this.#data.push(value);
    this.#dataLength += value.length;
    if (this.#dataLength > this.#maxLength) throw this.#tooLong();
  }

  *#endEvent(): Generator<string, void, void> {
    const data = this.#data;
    this.#data = [];
    this.#dataLength = 0;
    if (data.length > 0) yield data.join("\n");
  }
}
