/** What the errors of language models carry. */
export interface LmErrorCodes {
  /** The endpoint refused the credentials. */
  ERR_LM_AUTH: LmFailure;
  /** The account has no credit or quota left. */
  ERR_LM_BILLING: LmFailure;
  /** Too many requests for now. Retryable, after `retryAfterMs` when the endpoint said so. */
  ERR_LM_RATE_LIMIT: LmFailure;
  /** No answer within the time that the endpoint or its adapter allows. Retryable. */
  ERR_LM_TIMEOUT: LmFailure;
  /** The endpoint failed. Retryable. */
  ERR_LM_SERVER: LmFailure;
  /** The endpoint was not reached, or the connection broke. Retryable. */
  ERR_LM_TRANSPORT: LmFailure;
  /** The endpoint does not accept the request. */
  ERR_LM_INVALID_REQUEST: LmFailure;
  /** The prompt does not fit the model's context window. */
  ERR_LM_CONTEXT_LENGTH: LmFailure;
  /** The endpoint does not have the model. */
  ERR_LM_UNSUPPORTED_MODEL: LmFailure;
  /** The request asks for something that the adapter cannot send; nothing was sent. */
  ERR_LM_UNSUPPORTED_FEATURE: LmFailure;
  /** The adapter lacks what it needs, such as a key; nothing was sent. */
  ERR_LM_NOT_CONFIGURED: LmFailure;
  /** The endpoint answered with something that is not a reply, or one that is too large. */
  ERR_LM_INVALID_REPLY: LmFailure;
  /** An adapter threw something that is not one of our errors. */
  ERR_LM_ADAPTER: LmFailure;
  /** The endpoint's actor ended with the request in flight. Retryable. */
  ERR_LM_ENDPOINT_RESTARTED: LmFailure;
}

export type LmErrorCode = keyof LmErrorCodes;

export interface LmFailure {
  /** A URL without query, or the endpoint's name. */
  readonly endpoint: string;
  /** HTTP status, when the endpoint answered. */
  readonly status?: number;
  /** The provider's own code, such as `rate_limit_exceeded`. */
  readonly providerCode?: string;
  /** The provider's id of the request, for its support. */
  readonly requestId?: string;
  /** How long the endpoint asks to wait, in milliseconds. */
  readonly retryAfterMs?: number;
}

declare module "@dspex/core" {
  interface ErrorCodes extends LmErrorCodes {}
}
