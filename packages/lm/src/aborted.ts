import { DspexError } from "@dspex/core";

/** The error of a request that was aborted: the signal's own reason when that is one of ours (a passed deadline). */
export function aborted(signal: AbortSignal, where: string): DspexError {
  const reason: unknown = signal.reason;
  if (DspexError.is(reason)) return reason;
  return new DspexError("ERR_CANCELLED", `The call was cancelled while it was ${where}.`, {
    details: { where },
    cause: reason,
  });
}
