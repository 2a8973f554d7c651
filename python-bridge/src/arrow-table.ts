import { invalidOption } from "@dspex/core";

/**
 * A table: what Python knows as `pyarrow.Table`, `pandas.DataFrame` or `polars.DataFrame`. It crosses as an Arrow IPC
 * stream, which any Arrow library writes and reads; with `apache-arrow`, `arrowTable(tableToIPC(table))` and
 * `tableFromIPC(received.ipc)`.
 */
export interface ArrowTable {
  /** The IPC stream, schema first. It must not change before the call that sends it has settled. */
  readonly ipc: Uint8Array;
}

const brand = Symbol.for("dspex.arrow");

class IpcTable implements ArrowTable {
  readonly ipc: Uint8Array;
  readonly [brand] = true;

  constructor(ipc: Uint8Array) {
    this.ipc = ipc;
    Object.freeze(this);
  }
}

/**
 * A table to be sent to Python, whose worker needs `pyarrow` for it.
 *
 * @param ipc an Arrow IPC stream; the bytes are not copied.
 * @throws DspexError `ERR_INVALID_OPTION` for what is no bytes.
 */
export function arrowTable(ipc: Uint8Array): ArrowTable {
  if (ipc instanceof Uint8Array) return new IpcTable(ipc);
  throw invalidOption("ipc", ipc, "a Uint8Array with an Arrow IPC stream");
}

/** Is `value` an {@link ArrowTable}, of this or of another copy of this package? */
export function isArrowTable(value: unknown): value is ArrowTable {
  return typeof value === "object" && value !== null && brand in value;
}
