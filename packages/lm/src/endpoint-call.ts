import type { AttemptBudget, Deadline } from "@dspex/core";

/** Who asks, and for how long. */
export interface EndpointCall {
  readonly callId: string;
  readonly deadline: Deadline;
  /** Repetitions of a request take from it (G2). */
  readonly budget: AttemptBudget;
  /** Aborted when nobody waits for the reply any more. */
  readonly signal: AbortSignal;
}
