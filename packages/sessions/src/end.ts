import { DspexError } from "@dspex/core";

/**
 * How a session ended: by `end` or the end of its scope; unused for its TTL; with the runtime, or asked to by its supervisor; or
 * because its actor died.
 */
export type SessionEnd = "ended" | "expired" | "stopped" | "crashed";

const words: Record<SessionEnd, string> = {
  ended: "was ended",
  expired: "expired",
  stopped: "was stopped with the runtime",
  crashed: "crashed, and its history is lost",
};

export function sessionEnded(session: string, how: SessionEnd): DspexError<"ERR_SESSION_ENDED"> {
  return new DspexError(
    "ERR_SESSION_ENDED",
    `Session "${session}" ${words[how]}. Open it again to begin a new one.`,
    {
      details: { session, how },
    },
  );
}
