import { DspexError, LazySignal, messageOf } from "@dspex/core";
import { messages, toWire, type RuntimeMessage, type WireValue } from "@dspex/python-bridge";
import { CreditWindow } from "./credit-window.ts";
import type { AskingCall, Upcall, UpcallHandler } from "./upcall.ts";

/** An upcall that has not been answered. */
interface Open {
  readonly signal: LazySignal;
  /** How far its answer may go, when it is given piece by piece. */
  readonly window: CreditWindow | undefined;
}

/** The upcalls of one worker that the host has not answered: each is answered once, or given up by whoever asked. */
export class OpenUpcalls {
  readonly #handler: UpcallHandler;
  readonly #send: (message: RuntimeMessage) => void;
  readonly #open = new Map<number, Open>();

  constructor(handler: UpcallHandler, send: (message: RuntimeMessage) => void) {
    this.#handler = handler;
    this.#send = send;
  }

  /**
   * Answers an upcall with what the handler gives or throws.
   *
   * @param onError is told of a `DspexError` that the asking call will see.
   */
  async answer(
    id: number,
    service: string,
    payload: unknown,
    call: Omit<AskingCall, "signal">,
    onError: (error: DspexError) => void,
  ): Promise<void> {
    const signal = new LazySignal();
    const credits = (payload as { stream?: { credits?: number } } | null)?.stream?.credits;
    this.#open.set(id, { signal, window: credits === undefined ? undefined : new CreditWindow(credits) });
    const upcall: Upcall = {
      ...call,
      service,
      payload,
      get signal() {
        return signal.signal;
      },
    };
    try {
      const reply = toWire(await this.#reply(id, upcall));
      if (this.#open.has(id)) this.#send(messages.upresult(id, reply));
    } catch (error) {
      // Nobody waits for it any more: then it is no error of the call either.
      if (!this.#open.has(id)) return;
      if (DspexError.is(error)) onError(error);
      this.#fail(id, error);
    } finally {
      this.#open.delete(id);
    }
  }

  /** Whoever reads an answer in pieces takes `n` further ones. */
  credit(id: number, n: number): void {
    this.#open.get(id)?.window?.add(n);
  }

  /** Nobody waits for the answer any more. */
  giveUp(id: number): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.window?.close();
    open?.signal.abort();
  }

  giveUpAll(): void {
    for (const id of this.#open.keys()) this.giveUp(id);
  }

  /** The whole answer; null after one that was given piece by piece. */
  async #reply(id: number, upcall: Upcall): Promise<WireValue> {
    const window = this.#open.get(id)?.window;
    const pieces = window === undefined ? undefined : this.#handler.stream(upcall);
    if (window === undefined || pieces === undefined) return this.#handler.handle(upcall);
    for await (const piece of pieces) {
      if (!(await window.take())) break;
      this.#send(messages.stream(id, toWire(piece)));
    }
    return null;
  }

  #fail(id: number, thrown: unknown): void {
    const known = DspexError.is(thrown) ? thrown : undefined;
    const message = messageOf(thrown);
    const error = {
      code: known?.code ?? "ERR_HOST",
      type: known?.name ?? "Error",
      message,
      traceback: "",
      retryable: known?.retryable ?? false,
      details: { lm: this.#handler.pythonErrorName(thrown) },
      cause: null,
    };
    try {
      this.#send(messages.uperror(id, error));
    } catch {
      // What tells of a value that is too large must not be too large itself.
      this.#send(messages.uperror(id, { ...error, message: message.slice(0, briefChars) }));
    }
  }
}

/** So much of a message fits into the smallest frame that a worker may be limited to. */
const briefChars = 200;
