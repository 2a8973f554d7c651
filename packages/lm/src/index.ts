export type { LmAdapter, LmCallOptions } from "./adapter.ts";
export { dspyErrorName } from "./dspy-error-name.ts";
export type { EndpointCall } from "./endpoint-call.ts";
export { createEndpoint, type Endpoint, type EndpointPorts } from "./endpoint.ts";
export type { LmErrorCode, LmErrorCodes, LmFailure } from "./errors.ts";
export type { LmEvents } from "./events.ts";
export { http, type HttpOptions } from "./http.ts";
export type {
  LmConfig,
  LmContinuation,
  LmFinishReason,
  LmLogprob,
  LmMediaPart,
  LmMessage,
  LmPart,
  LmRequest,
  LmResponse,
  LmResponseFormat,
  LmTextPart,
  LmTokenLogprob,
  LmTool,
  LmToolCallPart,
  LmToolChoice,
  LmUsage,
} from "./request.ts";
export { scripted, type Script, type ScriptedOptions } from "./scripted.ts";
export type { LmDelta, LmStreamEvent } from "./stream-event.ts";
