/**
 * What the learner sees, in the order in which it saw it: plain data, and with the seed all that its decisions depend on
 * (G12). Times are the runtime's monotonic milliseconds.
 */
export type LearnerEntry = StartedEntry | AskedEntry | LearnerRecord;

/** What it learns from. */
export type LearnerRecord = RequestEntry | CallEntry;

/** The learner started, or was started again: it knows nothing, and its random numbers begin anew. */
export interface StartedEntry {
  readonly entry: "started";
}

/** A call asked where to go. */
export interface AskedEntry {
  readonly entry: "asked";
  readonly atMs: number;
  readonly callId: string;
  readonly operation: string;
  readonly endpoints: readonly string[];
}

/** An LM request was answered or failed (telemetry `lm.request.settled`). Cancelled ones say nothing and are left out. */
export interface RequestEntry {
  readonly entry: "request";
  /** Its place in the order of the telemetry bus. */
  readonly sequence: number;
  readonly callId: string;
  readonly endpoint: string;
  readonly ok: boolean;
  /** Its repetitions included. */
  readonly durationMs: number;
}

/** A call is over (telemetry `call.settled`). */
export interface CallEntry {
  readonly entry: "call";
  readonly sequence: number;
  readonly callId: string;
  readonly ok: boolean;
  readonly durationMs: number;
}
