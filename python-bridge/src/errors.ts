import { DspexError } from "@dspex/core";

/** What the bridge's errors carry. */
export interface BridgeErrorCodes {
  /** A value cannot cross the wire; `path` says where in it. */
  ERR_NOT_SERIALIZABLE: { readonly path: string; readonly received: string };
  /** A frame or message breaks the protocol; the worker that sent it is killed. */
  ERR_PROTOCOL_VIOLATION: { readonly reason: string };
  /** A value is larger than the other side takes. */
  ERR_FRAME_TOO_LARGE: { readonly bytes: number; readonly limitBytes: number };
}

declare module "@dspex/core" {
  interface ErrorCodes extends BridgeErrorCodes {}
}

export function violation(reason: string): DspexError<"ERR_PROTOCOL_VIOLATION"> {
  return new DspexError("ERR_PROTOCOL_VIOLATION", `The worker broke the protocol: ${reason}.`, {
    details: { reason },
  });
}
