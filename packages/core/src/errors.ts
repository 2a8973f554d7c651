/**
 * The catalogue of error codes and what each carries in `details`.
 *
 * Every room adds its own codes by augmenting this interface (`declare module "@dspex/core"`), so a lower room is
 * never edited for a higher one, and `DspexError.is(error, code)` narrows `details` wherever the code is known.
 * `docs/errors.md` lists all of them with their remedies.
 */
export interface ErrorCodes {
  /** An option, argument or input value is not what the documentation asks for. */
  ERR_INVALID_OPTION: { readonly option: string; readonly received: unknown };
  /** The one deadline of the call passed (G2). */
  ERR_DEADLINE_EXCEEDED: { readonly timeoutMs: number; readonly where: string };
  /** The caller aborted; `cause` is the signal's reason. */
  ERR_CANCELLED: { readonly where: string };
}

export type ErrorCode = keyof ErrorCodes;

export interface DspexErrorOptions<C extends ErrorCode> {
  readonly details: ErrorCodes[C];
  /** Whether the same request may succeed when it is sent again unchanged. @default false */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

const brand = Symbol.for("dspex.error");

/**
 * The one error type of DSPex: a stable `code`, whether a retry can help, typed `details`, and the `cause`.
 *
 * Recognise it with {@link DspexError.is}, not with `instanceof`: the brand holds across realms and across two copies
 * of this package in one process.
 */
export class DspexError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "DspexError";
  readonly code: C;
  readonly retryable: boolean;
  readonly details: ErrorCodes[C];
  readonly [brand] = true;

  constructor(code: C, message: string, options: DspexErrorOptions<C>) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details;
  }

  /** Is `error` a DSPex error (with this code, when one is given)? */
  static is<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is DspexError<C> {
    if (typeof error !== "object" || error === null || !(brand in error)) return false;
    return code === undefined || (error as DspexError).code === code;
  }

  /** A plain object for logs and records: no stack, causes flattened to their messages. */
  toJSON(): { code: C; message: string; retryable: boolean; details: ErrorCodes[C]; cause?: string } {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      details: this.details,
      ...(this.cause === undefined ? {} : { cause: messageOf(this.cause) }),
    };
  }
}

/** The message of anything that was thrown. Errors of another realm are not `instanceof Error`, so it looks at shape. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === "object" && thrown !== null && "message" in thrown) return String(thrown.message);
  return String(thrown);
}
