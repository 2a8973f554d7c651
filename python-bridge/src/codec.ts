import { messageOf } from "@dspex/core";
import { Packr } from "msgpackr";
import { violation } from "./frame.ts";
import type { WireValue } from "./wire-value.ts";

// Locked to plain MessagePack that msgspec reads: no record extension, no type extensions, maps as small as they are.
// The options are described in docs/protocol.md §3; every one of them has a vector.
const packr = new Packr({
  useRecords: false,
  moreTypes: false,
  // A number when it is safe, else a bigint. The codec's typings do not know the word.
  int64AsType: "auto" as "number",
  encodeUndefinedAsNil: true,
  variableMapSize: true,
});

/** Encodes a value that {@link toWire} let through. */
export function encode(value: WireValue): Buffer {
  return packr.pack(value);
}

/**
 * Decodes one complete value.
 *
 * @throws DspexError `ERR_PROTOCOL_VIOLATION` when the bytes are not exactly one value.
 */
export function decode(bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch (error) {
    throw violation(`a frame whose value cannot be decoded (${messageOf(error)})`);
  }
}
