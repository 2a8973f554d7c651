import { DspexError } from "@dspex/core";
import { extensionTypes } from "./extension.ts";

/** Each side takes plain values in plain frames; what it takes beyond that it says when it greets (`docs/protocol.md` §4). */
export type Capability = "chunks" | "datetime" | "bigint" | "ndarray" | "arrow";

/** What this half takes. */
export const capabilities: readonly Capability[] = ["chunks", "datetime", "bigint", "ndarray", "arrow"];

/** The same for a value that is not sent in chunks. */
export const withinOneFrame: ReadonlySet<string> = new Set(capabilities.filter((word) => word !== "chunks"));

const capabilityOf: ReadonlyMap<number, Capability> = new Map([
  [extensionTypes.datetime, "datetime"],
  [extensionTypes.bigint, "bigint"],
  [extensionTypes.ndarray, "ndarray"],
  [extensionTypes.bytes, "chunks"],
  [extensionTypes.arrow, "arrow"],
]);

/** @throws DspexError `ERR_NOT_SERIALIZABLE` when a peer does not take what an extension carries. */
export function checkTaken(type: number, takes: ReadonlySet<string>): void {
  const capability = capabilityOf.get(type)!;
  if (takes.has(capability)) return;
  throw new DspexError(
    "ERR_NOT_SERIALIZABLE",
    `value cannot be sent to this worker: it holds ${names[capability]}, which the worker does not take (${capability}). ${remedies[capability]}.`,
    { details: { path: "value", received: capability } },
  );
}

const names: Readonly<Record<Capability, string>> = {
  chunks: "large bytes",
  datetime: "a Date",
  bigint: "an integer of more than 64 bits",
  ndarray: "an array",
  arrow: "a table",
};

const remedies: Readonly<Record<Capability, string>> = {
  chunks: "Send less",
  datetime: "Send date.toISOString()",
  bigint: "Send it as text",
  ndarray: "Send it as a list",
  arrow: "Install pyarrow in its environment, or send rows",
};
