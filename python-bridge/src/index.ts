export { arrowTable, isArrowTable, type ArrowTable } from "./arrow-table.ts";
export { violation, type BridgeErrorCodes } from "./errors.ts";

export {
  openConnection,
  type Connection,
  type ConnectionHandlers,
  type ConnectionOptions,
} from "./connection.ts";
export { headerBytes } from "./frame.ts";
export { jsonLinesCodec } from "./json-lines-codec.ts";
export { kinds } from "./kinds.ts";
export {
  messages,
  readWorkerMessage,
  type CallInfo,
  type CallTarget,
  type Hello,
  type LogLevel,
  type Ready,
  type RuntimeMessage,
  type WireError,
  type WorkerMessage,
} from "./messages.ts";
export { isNdArray, ndArray, type NdArray, type NdArrayElements, type NdArrayType } from "./nd-array.ts";
export { decode, encode, msgpackCodec } from "./msgpack-codec.ts";
export type { CodecName, EncodedMessage, Frame, FrameDecoder, WireCodec } from "./wire-codec.ts";
export { toWire, type WireValue } from "./wire-value.ts";
export {
  guardianCommand,
  stacksSignal,
  workerCommand,
  zygoteCommand,
  type Command,
} from "./worker-command.ts";
