import { messageOf, systemClock, type DspexError, type Timer } from "@dspex/core";
import { aborted } from "./aborted.ts";
import { lmError } from "./lm-error.ts";

interface ExchangeOptions {
  /** For error messages: a URL without query. */
  readonly endpoint: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** How long the end of a body may take, in milliseconds, when all that matters has come: usually it follows at once. */
const endMs = 100;

/** One HTTP request and its answer. It ends when its caller's signal, its time limit or {@link close} says so. */
export class HttpExchange {
  readonly #endpoint: string;
  readonly #signal: AbortSignal;
  #timeoutMs: number;
  // Not AbortSignal.any with AbortSignal.timeout: on Node 20 such a signal can be collected before it fires.
  readonly #controller = new AbortController();
  readonly #abort = (): void => this.#controller.abort();
  #timer: Timer | undefined;
  #answered = false;

  constructor({ endpoint, signal, timeoutMs }: ExchangeOptions) {
    this.#endpoint = endpoint;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  /** Sends the request and waits for the head of the answer. The time limit runs from here on. */
  async open(url: URL, init: RequestInit): Promise<Response> {
    if (this.#signal.aborted) throw aborted(this.#signal, "about to ask the language model");
    this.#signal.addEventListener("abort", this.#abort);
    this.#startTimer();
    try {
      const response = await fetch(url, { ...init, redirect: "manual", signal: this.#controller.signal });
      this.#answered = true;
      return response;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** The body as text, or `undefined` when it is larger than `maxBytes`, of which no more is read (G4). */
  async text({ body }: Response, maxBytes: number): Promise<string | undefined> {
    const decoder = new TextDecoder();
    let text = "";
    let bytes = 0;
    try {
      for await (const chunk of body ?? []) {
        bytes += chunk.byteLength;
        if (bytes > maxBytes) return undefined; // leaving the loop cancels the body
        text += decoder.decode(chunk, { stream: true });
      }
    } catch (error) {
      throw this.#failure(error);
    }
    return text + decoder.decode();
  }

  /** The body as it comes. The time limit starts anew with every wait for a piece; the reader's own time does not count. */
  async *pieces({ body }: Response): AsyncGenerator<Uint8Array, void, void> {
    try {
      this.#startTimer();
      for await (const chunk of body ?? []) {
        this.#timer?.cancel();
        yield chunk;
        this.#startTimer();
      }
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Waits shortly for the end of the body: an answer that was read to its end leaves its connection to the next request. */
  async end(pieces: AsyncGenerator<Uint8Array, void, void>): Promise<void> {
    this.#timeoutMs = endMs;
    await pieces.next().catch(() => {});
  }

  /** Ends what is still on its way. */
  close(): void {
    this.#timer?.cancel();
    this.#signal.removeEventListener("abort", this.#abort);
    this.#controller.abort();
  }

  #startTimer(): void {
    this.#timer?.cancel();
    this.#timer = systemClock.setTimeout(this.#abort, this.#timeoutMs);
  }

  #failure(error: unknown): DspexError {
    const endpoint = this.#endpoint;
    if (this.#signal.aborted) return aborted(this.#signal, "waiting for the language model");
    if (this.#controller.signal.aborted)
      return lmError("ERR_LM_TIMEOUT", `${endpoint} did not answer within ${this.#timeoutMs} ms.`, {
        endpoint,
      });
    // fetch wraps what happened in "fetch failed" or "terminated"; the cause knows more.
    const cause = (error as { readonly cause?: unknown }).cause ?? error;
    // An AggregateError (several addresses tried) has a code and no message.
    const reason = messageOf(cause) || String((cause as { readonly code?: unknown }).code);
    const problem = this.#answered ? "did not finish its answer" : "cannot be reached";
    return lmError("ERR_LM_TRANSPORT", `${endpoint} ${problem}: ${reason}.`, { endpoint }, cause);
  }
}
