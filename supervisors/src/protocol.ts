/** The request to stop. An actor that handles it takes its time, within its `shutdown`, and reaches `done`. */
export interface ShutdownEvent {
  readonly type: "otp.shutdown";
}

export const shutdownEvent: ShutdownEvent = { type: "otp.shutdown" };
