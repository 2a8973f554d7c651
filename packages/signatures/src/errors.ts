/** What the errors of signatures carry. */
export interface SignatureErrorCodes {
  /** The text is not a signature of the supported grammar. `position` counts UTF-16 units from the start of `text`. */
  ERR_SIGNATURE: {
    readonly text: string;
    readonly position: number;
    readonly problem: string;
    readonly remedy: string;
  };
  /** A value given to a program does not fit its signature; nothing was sent. */
  ERR_INVALID_INPUT: FieldMismatch;
  /** A value that came back does not fit the signature. */
  ERR_INVALID_OUTPUT: FieldMismatch;
}

export interface FieldMismatch {
  /** The field, with the place in it: `context[2]`, `scores["a"]`. Empty when the whole value is not an object. */
  readonly field: string;
  /** The type that the signature asks for, in DSPy's notation. */
  readonly expected: string;
  /** What was there instead, shortened to one line. */
  readonly received: string;
}

declare module "@dspex/core" {
  interface ErrorCodes extends SignatureErrorCodes {}
}
