import type { AttemptBudget, DspexError } from "@dspex/core";
import type { Affinity, AskingCall } from "@dspex/pool";

/** How a call went, whether it succeeded or not (G10). */
export interface Meta {
  readonly callId: string;
  /** What was called: the module and a short hash of its spec, or the function's path. */
  readonly operation: string;
  /** Where the program ran. */
  readonly mode: "python";
  readonly pool: string;
  /** The LM endpoint of the call; absent for functions. */
  readonly endpoint?: string;
  /** The worker of the last attempt; absent when none had the call. */
  readonly worker?: string;
  /** Times that the call was given to a worker. More than 1: a worker died under it. */
  readonly attempts: number;
  /** From the call to its outcome, in milliseconds. */
  readonly durationMs: number;
  /** Of that, waiting for a worker. */
  readonly queueMs: number;
  /** LM requests that Python made. */
  readonly lmCalls: number;
  /** Tokens, summed over those requests, as the endpoint counted them. */
  readonly usage: Readonly<Record<string, number>>;
  /** DSPy could not parse the first reply and asked again through its JSON adapter. */
  readonly adapterFallback: boolean;
}

/** What `tryCall` resolves to. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T; readonly meta: Meta }
  | { readonly ok: false; readonly error: DspexError; readonly meta: Meta };

export interface CallOptions {
  /** Aborting it cancels the call, in Python too (G3). */
  readonly signal?: AbortSignal;
  /** Time for the whole call, in milliseconds: queue, Python and LM take from it (G2). @default 60_000 */
  readonly timeoutMs?: number;
  /**
   * The call may run again on another worker when its worker dies. Programs only ask a model and are idempotent; for a
   * function only you can know. @default true for programs, false for functions
   */
  readonly idempotent?: boolean;
  /**
   * Calls with the same key go to the same worker: it then has warm what the last one needed. A text is a hint: a worker that is busy or gone
   * is passed over. For what only that worker has, `{ key, mode }` with
   *
   * - `"strict_queue"`: the call waits for the key's worker, whatever others are free;
   * - `"strict_fail_fast"`: it fails with `ERR_WORKER_BUSY` when that worker has no room.
   *
   * A strict key stays with the worker that its first call is given. When that worker is gone, calls that wait for it fail at once with
   * `ERR_WORKER_UNAVAILABLE`, or else the key's next call does; after that it is given another worker. A strict call is not run again elsewhere
   * when its worker dies under it. The pool remembers 10,000 keys. @default any worker
   */
  readonly affinity?: string | Affinity;
  /** Higher ones leave the queue of their pool first: a whole number from -10 to 10. @default 0 */
  readonly priority?: number;
  /**
   * For whom the call is made. Tenants take turns in the queue of the pool, so whoever has few calls there does not wait for all those of
   * one who has many. @default none: calls without a tenant are one tenant's
   */
  readonly tenant?: string;
  /**
   * How long the call may wait for a worker, in milliseconds, beside its `timeoutMs`; then it fails with `ERR_QUEUE_TIMEOUT` and never runs in
   * Python. @default that of its pool
   */
  readonly queueTimeoutMs?: number;
  /**
   * The W3C trace context of whoever asks. Python code continues it: `dspex_bridge.host.traceparent()`, or OpenTelemetry where that is
   * installed. @default none, or that of `within`
   */
  readonly traceparent?: string;
  /**
   * The call of Python's for which a tool makes this one, as the tool was given it: this one is part of it, has no more time, takes from its
   * attempts, and ends with it. It needs no free worker, because that one keeps its place while it waits. At most five deep. @default none
   */
  readonly within?: AskingCall;
  /** Further attempts that the call has in all, over the crashes of workers and failing LM requests (G2). @default 3 */
  readonly furtherAttempts?: number;
  /** A budget of further attempts that this call shares with others, in place of one of its own. @default its own */
  readonly budget?: AttemptBudget;
}

/** Something that can be called: a program, or a Python function. */
export interface Callable<In, Out> {
  /** What it is called in `meta` and telemetry. */
  readonly operation: string;
  /** @throws DspexError with the codes of `docs/errors.md`; the input is checked before anything is sent. */
  call(input: In, options?: CallOptions): Promise<Out>;
  /** Like `call`, but resolves to the outcome with its `meta` and never rejects. */
  tryCall(input: In, options?: CallOptions): Promise<Outcome<Out>>;
}

/** A call that delivers pieces before its result. */
export interface Streaming<Item, Out> extends AsyncIterable<Item> {
  /** The outcome with its `meta`, after the last item; never rejects. */
  readonly outcome: Promise<Outcome<Out>>;
}

/** Something that can be called for its pieces. */
export interface StreamingCallable<In, Out, Item> extends Callable<In, Out> {
  /**
   * Calls it and reads the pieces as they come, once. The producer is at most 512 items ahead of the loop; leaving the loop
   * early cancels the call, in Python too (G3). The loop throws what `call` would.
   */
  stream(input: In, options?: CallOptions): Streaming<Item, Out>;
}
