export { createManualClock, type ManualClock } from "@dspex/core";
export { createRecorder, wordOf, type Recorder, type RecordedChildOptions } from "./recorder.ts";
export { pass, settle } from "./time.ts";
