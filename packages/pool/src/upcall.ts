import type { AttemptBudget, Deadline } from "@dspex/core";
import type { WireValue } from "@dspex/python-bridge";

/** A call of Python's that waits for an answer of the host, as far as whoever answers needs it. */
export interface AskingCall {
  readonly callId: string;
  readonly deadline: Deadline;
  /** The call's further attempts: who repeats a request takes from it (G2). */
  readonly budget: AttemptBudget;
  /** Calls around it, each of which waits for an upcall of its own. */
  readonly depth: number;
  /** The W3C trace context of the call. */
  readonly traceparent: string | undefined;
  /** Aborted when nobody waits for the answer any more. Made on first use: most answers come before anybody looks. */
  readonly signal: AbortSignal;
}

/** A running call asks the host for something: the port through which LM requests reach the endpoints. */
export interface Upcall extends AskingCall {
  /** What is asked for: `"lm"`, or `"tool"`. */
  readonly service: string;
  readonly payload: unknown;
}

/** The port through which calls reach the host: `tree.ts` fills it with the LM endpoints and tools. */
export interface UpcallHandler {
  /** Answers an upcall. What it throws is raised in Python. */
  handle(upcall: Upcall): Promise<WireValue>;
  /** Answers an upcall piece by piece, for Python code that reads it so; `undefined` when it can only be answered whole. */
  stream(upcall: Upcall): AsyncIterable<WireValue> | undefined;
  /** The name of DSPy's LM error class that Python code sees for an error that `handle` threw. */
  pythonErrorName(error: unknown): string;
}
