import type { LmRequest, LmResponse } from "./request.ts";

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
}

export interface LmCallOptions {
  readonly signal: AbortSignal;
}
