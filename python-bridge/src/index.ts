export type { BridgeErrorCodes } from "./errors.ts";

export { openConnection, type Connection, type ConnectionHandlers } from "./connection.ts";
export { decode, encode } from "./codec.ts";
export { encodeFrame, FrameDecoder, headerBytes, violation, type Frame } from "./frame.ts";
export {
  kinds,
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
export { toWire, type WireValue } from "./wire-value.ts";
export { guardianCommand, workerCommand, type Command } from "./worker-command.ts";
