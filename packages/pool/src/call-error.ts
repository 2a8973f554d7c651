import { DspexError } from "@dspex/core";
import type { WireError } from "@dspex/python-bridge";
import type { Call } from "./call.ts";

/** What a worker's refusal means for the pool: the call never ran there and may go to another worker. */
const neverRan = new Set(["overloaded", "draining"]);

/** Whether the worker answered without having run the call. */
export function refusedUnrun(error: WireError): boolean {
  return neverRan.has(error.code);
}

/**
 * The caller's error for what a worker answered.
 *
 * @param hostError what an endpoint or tool of the host last threw in this call, if anything: when Python's error is only its echo,
 * the caller gets the original, with its code and details.
 */
export function callError(call: Call, error: WireError, hostError: DspexError | undefined): DspexError {
  switch (error.code) {
    case "cancelled":
      return new DspexError("ERR_CANCELLED", `The call was cancelled in Python: ${error.message}`, {
        details: { where: "running in Python" },
      });
    case "deadline_exceeded":
      return call.request.deadline.error("running in Python");
    case "exception":
      return isEcho(error, hostError) ? hostError : pythonError(error);
    case "result_too_large":
    case "unserializable_result":
      return new DspexError(
        "ERR_RESULT_NOT_SENT",
        `The call ran, and its result cannot be sent: ${error.message}`,
        {
          details: { reason: error.code },
        },
      );
    default:
      return new DspexError("ERR_CALL_REFUSED", `Python did not take the call: ${error.message}`, {
        details: { reason: error.code, pythonCause: error.cause },
        retryable: error.retryable,
      });
  }
}

/** DSPy's LM errors, and those of tools, carry the code of the host's error that they were made of. */
function isEcho(error: WireError, hostError: DspexError | undefined): hostError is DspexError {
  return hostError !== undefined && error.details["providerCode"] === hostError.code;
}

function pythonError(error: WireError): DspexError<"ERR_PYTHON"> {
  const shortType = error.type.slice(error.type.lastIndexOf(".") + 1);
  return new DspexError("ERR_PYTHON", `${shortType}: ${error.message}`, {
    details: {
      pythonType: error.type,
      traceback: error.traceback,
      pythonDetails: error.details,
      pythonCause: error.cause,
    },
    retryable: error.retryable,
  });
}
