import type { AttemptBudget, Deadline } from "@dspex/core";
import type { WireValue } from "@dspex/python-bridge";

/** A running call asks the host for something: the port through which LM requests reach the endpoints. */
export interface Upcall {
  /** What is asked for; `"lm"` so far. */
  readonly service: string;
  readonly payload: unknown;
  /** The call that asks. */
  readonly callId: string;
  readonly deadline: Deadline;
  /** The call's further attempts: who repeats a request takes from it (G2). */
  readonly budget: AttemptBudget;
  /** Aborted when nobody waits for the reply any more. Made on first use: most replies come before anybody looks. */
  readonly signal: AbortSignal;
}

/** The port through which calls reach the host: `tree.ts` fills it with the LM endpoints. */
export interface UpcallHandler {
  /** Answers an upcall. What it throws is raised in Python. */
  handle(upcall: Upcall): Promise<WireValue>;
  /** Answers an upcall piece by piece, for Python code that reads it so; `undefined` when it can only be answered whole. */
  stream(upcall: Upcall): AsyncIterable<WireValue> | undefined;
  /** The name of DSPy's LM error class that Python code sees for an error that `handle` threw. */
  pythonErrorName(error: unknown): string;
}
