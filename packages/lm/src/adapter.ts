import type { LmRequest, LmResponse } from "./request.ts";
import type { LmStreamEvent } from "./stream-event.ts";

/** Reaches one language model. Adapters hold no queue and repeat nothing: that is the endpoint's. */
export interface LmAdapter {
  /** What it reaches, for people: a URL, a name. Never a secret. */
  readonly id?: string;
  /**
   * Asks once.
   *
   * @param options.signal aborts the request; the promise then rejects at once.
   * @throws DspexError `ERR_LM_…`; `retryable` says whether the same request may succeed later. `ERR_CANCELLED` after an abort.
   */
  complete(request: LmRequest, options: LmCallOptions): Promise<LmResponse>;
  /**
   * Asks once, and hands over the reply as it comes. Nothing is sent before the first event is asked for; leaving the loop
   * early ends the request. An adapter without it can only answer whole.
   *
   * @param options.signal ends the request; the loop then throws at once.
   * @throws DspexError as {@link complete}, also in the midst of the reply; a stream that ends without its `end` event does
   * not happen.
   */
  stream?(request: LmRequest, options: LmCallOptions): AsyncIterable<LmStreamEvent>;
}

export interface LmCallOptions {
  readonly signal: AbortSignal;
}
