/** What the learner reports. */
export interface LearnerEvents {
  /** The calls of an operation go to another endpoint from now on, apart from trials. */
  "learner.moved": {
    readonly operation: string;
    readonly from: string;
    readonly to: string;
    /** The reason, in measured numbers. */
    readonly because: string;
  };
}

declare module "@dspex/telemetry" {
  interface TelemetryEvents extends LearnerEvents {}
}
