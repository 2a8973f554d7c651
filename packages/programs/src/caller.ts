import {
  AttemptBudget,
  Deadline,
  type DspexError,
  durationOption,
  integerOption,
  invalidOption,
  textOption,
  type Clock,
  type IdGenerator,
} from "@dspex/core";
import {
  ItemStream,
  priorities,
  resolveAffinity,
  streamCredits,
  type CallMeta,
  type Pool,
} from "@dspex/pool";
import { toWire, type CallTarget, type WireValue } from "@dspex/python-bridge";
import type { TelemetryBus } from "@dspex/telemetry";
import type { CallEvents } from "./events.ts";
import type { CallOptions, Meta, Outcome, Streaming, StreamingCallable } from "./outcome.ts";
import type { Strategist } from "./strategist.ts";

/** What every call goes through. */
export interface CallerPorts {
  /** The pools that exist, by name; the first is the default. */
  readonly pools: ReadonlyMap<string, Pool>;
  readonly clock: Clock;
  readonly createId: IdGenerator;
  readonly telemetry: TelemetryBus;
  readonly strategist: Strategist;
}

/** What distinguishes one callable from another. */
export interface Operation<In, Out> {
  readonly operation: string;
  readonly target: CallTarget;
  readonly spec?: WireValue;
  readonly pool: Pool;
  /** The endpoints that may answer its LM requests; empty when Python asks none. */
  readonly endpoints: readonly string[];
  /** A new object of what the worker is told besides the input, given the endpoint that was chosen. */
  readonly context: (endpoint: string | undefined) => Record<string, WireValue>;
  readonly idempotent: boolean;
  /** `"job"`: each call gets a process of its own. */
  readonly lane?: "job" | undefined;
  /** Checks the input and brings it into the form that crosses the wire. Throws. */
  readonly input: (input: In) => unknown;
  /** Checks what came back. Throws. */
  readonly output: (value: unknown) => Out;
}

const defaultTimeoutMs = 60_000;
const defaultFurtherAttempts = 3;

/** Makes a callable of an operation: ids, deadline, budget, outcome and the one record of the settled call. */
export function createCallable<In, Out, Item = unknown>(
  operation: Operation<In, Out>,
  ports: CallerPorts,
): StreamingCallable<In, Out, Item> {
  const { clock, createId, telemetry, strategist } = ports;
  const { endpoints, pool } = operation;

  const run = async (input: In, options: CallOptions, stream?: ItemStream): Promise<Outcome<Out>> => {
    const startedAtMs = clock.now();
    const callId = createId("call");
    const endpoint =
      endpoints.length === 0
        ? undefined
        : strategist.choose({ callId, operation: operation.operation, endpoints }).endpoint;
    const settle = (result: Result<Out>, went?: CallMeta): Outcome<Out> => {
      const facts = { callId, operation: operation.operation, pool: pool.name, endpoint, went };
      const durationMs = clock.now() - startedAtMs;
      const meta = metaOf(facts, durationMs);
      telemetry.emit("call.settled", recordOf(metaOf(facts, durationMs), result));
      return result.ok ? { ok: true, value: result.value, meta } : { ok: false, error: result.error, meta };
    };

    const { within } = options;
    let request;
    try {
      const timeoutMs = durationOption("timeoutMs", options.timeoutMs, { default: defaultTimeoutMs });
      const deadline = new Deadline(clock, timeoutMs);
      const traceparent = traceparentOf(options) ?? within?.traceparent;
      const depth = within === undefined ? 0 : within.depth + 1;
      const context = operation.context(endpoint);
      if (stream !== undefined) context["stream"] = { credits: streamCredits };
      if (traceparent !== undefined) context["traceparent"] = traceparent;
      if (depth > 0) context["depth"] = depth;
      request = {
        callId,
        target: operation.target,
        spec: operation.spec,
        input: toWire(operation.input(input)),
        context: toWire(context),
        stream,
        deadline: within !== undefined && within.deadline.atMs < deadline.atMs ? within.deadline : deadline,
        budget: options.budget ?? within?.budget ?? new AttemptBudget(furtherAttemptsOf(options)),
        idempotent: options.idempotent ?? operation.idempotent,
        lane: operation.lane,
        depth,
        traceparent,
        affinity: resolveAffinity(options.affinity),
        priority: integerOption("priority", options.priority, {
          default: 0,
          min: priorities.min,
          max: priorities.max,
        }),
        tenant: options.tenant === undefined ? undefined : textOption("tenant", options.tenant),
        queueTimeoutMs: queueTimeoutOf(options),
        signal: eitherSignal(options.signal, within?.signal),
      };
    } catch (error) {
      return settle({ ok: false, error: error as DspexError });
    }

    const outcome = await pool.call(request);
    if (!outcome.ok) return settle(outcome, outcome.meta);
    try {
      return settle({ ok: true, value: operation.output(outcome.value) }, outcome.meta);
    } catch (error) {
      return settle({ ok: false, error: error as DspexError }, outcome.meta);
    }
  };

  const stream = (input: In, { signal, ...options }: CallOptions): Streaming<Item, Out> => {
    const items = new ItemStream();
    const left = new AbortController();
    const onAbort = (): void => left.abort(signal?.reason);
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted === true) onAbort();
    const outcome = run(input, { ...options, signal: left.signal }, items).then((settled) => {
      signal?.removeEventListener("abort", onAbort);
      items.end(settled.ok ? undefined : settled.error);
      return settled;
    });
    return {
      outcome,
      [Symbol.asyncIterator]() {
        const done = { value: undefined, done: true } as const;
        let over = false;
        return {
          next: () =>
            over ? Promise.resolve(done) : (items.next() as Promise<IteratorResult<Item, undefined>>),
          return() {
            over = true;
            left.abort("nobody reads the stream any more");
            return Promise.resolve(done);
          },
        };
      },
    };
  };

  return {
    operation: operation.operation,
    stream: (input, options = {}) => stream(input, options),
    tryCall: (input, options = {}) => run(input, options),
    async call(input, options = {}) {
      const outcome = await run(input, options);
      if (outcome.ok) return outcome.value;
      throw outcome.error;
    },
  };
}

type Result<Out> =
  | { readonly ok: true; readonly value: Out }
  | { readonly ok: false; readonly error: DspexError };

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface Facts extends Pick<Meta, "callId" | "operation" | "pool"> {
  readonly endpoint: string | undefined;
  /** Absent when the call never reached its pool. */
  readonly went: CallMeta | undefined;
}

// Field by field: a spread takes some microseconds on Node 20, and every call comes by here.

function metaOf({ callId, operation, pool, endpoint, went }: Facts, durationMs: number): Writable<Meta> {
  const meta: Writable<Meta> = {
    callId,
    operation,
    mode: "python",
    pool,
    attempts: went?.attempts ?? 0,
    durationMs,
    queueMs: went?.queueMs ?? 0,
    lmCalls: went?.info?.lmCalls ?? 0,
    usage: went?.info?.usage ?? {},
    adapterFallback: went?.info?.adapterFallback ?? false,
  };
  if (endpoint !== undefined) meta.endpoint = endpoint;
  if (went?.worker !== undefined) meta.worker = went.worker;
  return meta;
}

function recordOf(meta: Writable<Meta>, result: Result<unknown>): CallEvents["call.settled"] {
  const record = meta as Writable<CallEvents["call.settled"]>;
  record.ok = result.ok;
  if (!result.ok) record.code = result.error.code;
  return record;
}

/** W3C trace context, version 00: `version-traceid-parentid-flags`. */
const traceparentForm = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

function traceparentOf({ traceparent }: CallOptions): string | undefined {
  if (traceparent !== undefined && !traceparentForm.test(traceparent))
    throw invalidOption("traceparent", traceparent, "a W3C trace context, version-traceid-parentid-flags");
  return traceparent;
}

function eitherSignal(own?: AbortSignal, around?: AbortSignal): AbortSignal | undefined {
  return own !== undefined && around !== undefined ? AbortSignal.any([own, around]) : (own ?? around);
}

function queueTimeoutOf({ queueTimeoutMs }: CallOptions): number | undefined {
  return queueTimeoutMs === undefined
    ? undefined
    : durationOption("queueTimeoutMs", queueTimeoutMs, { default: Infinity });
}

function furtherAttemptsOf({ furtherAttempts }: CallOptions): number {
  return integerOption("furtherAttempts", furtherAttempts, { default: defaultFurtherAttempts, min: 0 });
}

/**
 * The pool of this name; the first when none is given.
 *
 * @throws DspexError `ERR_INVALID_OPTION` when there is none of this name.
 */
export function poolOf(name: string | undefined, pools: ReadonlyMap<string, Pool>): Pool {
  const pool = name === undefined ? pools.values().next().value : pools.get(name);
  if (pool === undefined)
    throw invalidOption("pool", name, `one of the runtime's pools (${[...pools.keys()].join(", ")})`);
  return pool;
}
