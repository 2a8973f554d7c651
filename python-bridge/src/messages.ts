import { capabilities } from "./capabilities.ts";
import { violation } from "./errors.ts";
import { kinds } from "./kinds.ts";
import type { Frame, WireCodec } from "./wire-codec.ts";
import type { WireValue } from "./wire-value.ts";

/** Versions of the protocol that this half speaks. */
const protocolVersions = { min: 1, max: 1 } as const;

/** What the runtime tells a worker first. */
export interface Hello {
  readonly runId: string;
  readonly workerId: string;
  /** The largest value that this side takes, in bytes. */
  readonly maxFrameBytes: number;
  /** Threads for sync functions and programs. */
  readonly threads: number;
  /** Calls that the worker takes at a time. */
  readonly maxInFlight: number;
  /** Directories put in front of Python's module path. */
  readonly paths: readonly string[];
  /** Seam name → `false` to switch it off. */
  readonly seams: Readonly<Record<string, boolean>>;
  /** Targets of functions that the worker imports, and makes instances for, before it is ready. */
  readonly warmUp: readonly string[];
  /** How much the process stands back for others, 0 to 19. @default 0 */
  readonly nice?: number;
}

/** What a worker answers when it can take calls. */
export interface Ready {
  readonly protocol: number;
  readonly pid: number;
  readonly python: string;
  readonly dspy: string;
  readonly maxFrameBytes: number;
  readonly maxInFlight: number;
  /** The codec that the worker was spoken to in, and answers in. */
  readonly codec: string;
  /** What it takes beyond plain values in plain frames; words of later versions are among them. */
  readonly capabilities: readonly string[];
  /** Seam name → `"on"`, `"off"`, or why the worker fell back. */
  readonly seams: Readonly<Record<string, string>>;
}

/** What Python code a call runs: a plain function, or a program whose spec was PUT. */
export type CallTarget = { readonly function: string } | { readonly program: string };

/** An exception as it crosses the wire. */
export interface WireError {
  readonly code: string;
  /** The Python class, `module.QualifiedName`. */
  readonly type: string;
  readonly message: string;
  readonly traceback: string;
  readonly retryable: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly cause: WireError | null;
}

/** What a worker says of a settled call besides its value. */
export interface CallInfo {
  readonly lane: "async" | "thread";
  readonly durationMs: number;
  readonly lmCalls: number;
  readonly usage: Readonly<Record<string, number>> | null;
  /** DSPy asked the LM a second time through its JSON adapter, because the first reply could not be parsed. */
  readonly adapterFallback?: boolean;
}

const logLevels = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof logLevels)[number];

/** A message from a worker, checked for its shape. */
export type WorkerMessage =
  | { readonly kind: "ready"; readonly ready: Ready }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown; readonly info: CallInfo }
  | {
      readonly kind: "error";
      readonly id: number;
      readonly error: WireError;
      /** Absent when the call never started. */
      readonly info: CallInfo | undefined;
    }
  | {
      readonly kind: "upcall";
      readonly id: number;
      readonly callId: number;
      readonly service: string;
      readonly payload: unknown;
    }
  | { readonly kind: "upcancel"; readonly id: number }
  /** An item of a streaming call. */
  | { readonly kind: "stream"; readonly id: number; readonly item: unknown }
  /** The worker takes `n` further items for an upcall that is answered in pieces. */
  | { readonly kind: "credit"; readonly id: number; readonly n: number }
  | {
      readonly kind: "pong";
      readonly n: number;
      readonly lagMs: number;
      /** Calls that the worker has not answered. */
      readonly inFlight: readonly number[];
      /** Calls that were answered while their code still runs. */
      readonly abandoned: number;
      /** For how long the longest of them runs on; 0 where there is none. */
      readonly abandonedMs: number;
      /** `null` where it could not be measured. */
      readonly rssBytes: number | null;
    }
  | { readonly kind: "bye" }
  | { readonly kind: "log"; readonly source: string; readonly level: LogLevel; readonly text: string };

/**
 * Reads a frame from a worker. `undefined`: a kind that this version does not know, which is skipped.
 *
 * @throws DspexError `ERR_PROTOCOL_VIOLATION` when the value does not have the kind's shape.
 */
export function readWorkerMessage(frame: Frame, codec: WireCodec): WorkerMessage | undefined {
  const fields = (name: string, atLeast: number): readonly unknown[] => {
    const value = codec.decode(frame);
    if (!Array.isArray(value) || value.length < atLeast)
      throw violation(`a ${name} that is not an array of ${atLeast}`);
    return value;
  };
  switch (frame.kind) {
    case kinds.result: {
      const [id, value, info] = fields("RESULT", 3);
      return { kind: "result", id: positive(id), value, info: record(info, "RESULT") as unknown as CallInfo };
    }
    case kinds.upcall: {
      const [id, call, service, payload] = fields("UPCALL", 4);
      return {
        kind: "upcall",
        id: positive(id),
        callId: positive(call),
        service: text(service, "UPCALL"),
        payload,
      };
    }
    case kinds.stream: {
      const [id, item] = fields("STREAM", 2);
      return { kind: "stream", id: positive(id), item };
    }
    case kinds.credit: {
      const [id, n] = fields("CREDIT", 2);
      return { kind: "credit", id: positive(id), n: positive(n) };
    }
    case kinds.error: {
      const [id, error, info] = fields("ERROR", 3);
      const told = info == null ? undefined : (record(info, "ERROR") as unknown as CallInfo);
      return { kind: "error", id: positive(id), error: wireError(error), info: told };
    }
    case kinds.pong: {
      const [n, measured] = fields("PONG", 2);
      const { lagMs, inFlight, abandoned, abandonedMs, rssBytes } = record(measured, "PONG");
      if (!Array.isArray(inFlight)) throw violation("a PONG without the ids in flight");
      return {
        kind: "pong",
        n: positive(n),
        lagMs: number(lagMs),
        inFlight: inFlight.map(positive),
        abandoned: number(abandoned),
        abandonedMs: number(abandonedMs),
        rssBytes: rssBytes === null ? null : number(rssBytes),
      };
    }
    case kinds.upcancel:
      return { kind: "upcancel", id: positive(fields("UPCANCEL", 1)[0]) };
    case kinds.log: {
      const [source, level, line] = fields("LOG", 3);
      return {
        kind: "log",
        source: text(source, "LOG"),
        level: logLevel(level),
        text: text(line, "LOG"),
      };
    }
    case kinds.ready:
      return { kind: "ready", ready: readReady(codec.decode(frame)) };
    case kinds.bye:
      return { kind: "bye" };
    default:
      return undefined;
  }
}

function readReady(value: unknown): Ready {
  const ready = record(value, "READY");
  if (
    typeof ready["protocol"] !== "number" ||
    ready["protocol"] < protocolVersions.min ||
    ready["protocol"] > protocolVersions.max
  )
    throw violation(
      `protocol version ${String(ready["protocol"])}; this runtime speaks ${protocolVersions.min} to ${protocolVersions.max}`,
    );
  return {
    protocol: ready["protocol"],
    pid: number(ready["pid"]),
    python: text(ready["python"], "READY"),
    dspy: text(ready["dspy"], "READY"),
    maxFrameBytes: number(ready["maxFrameBytes"]),
    maxInFlight: number(ready["maxInFlight"]),
    codec: text(ready["codec"] ?? "msgpack", "READY"),
    capabilities: texts(ready["capabilities"] ?? []),
    seams: record(ready["seams"], "READY") as Readonly<Record<string, string>>,
  };
}

function wireError(value: unknown): WireError {
  const error = record(value, "ERROR");
  return {
    code: text(error["code"], "ERROR"),
    type: text(error["type"], "ERROR"),
    message: text(error["message"], "ERROR"),
    traceback: text(error["traceback"], "ERROR"),
    retryable: error["retryable"] === true,
    details: record(error["details"] ?? {}, "ERROR"),
    cause: error["cause"] == null ? null : wireError(error["cause"]),
  };
}

function record(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw violation(`a ${name} without its map`);
  return value as Record<string, unknown>;
}

function logLevel(value: unknown): LogLevel {
  const level = logLevels.find((known) => known === value);
  if (level === undefined) throw violation("a LOG of an unknown level");
  return level;
}

function text(value: unknown, name: string): string {
  if (typeof value !== "string") throw violation(`a ${name} without its text`);
  return value;
}

function texts(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string"))
    throw violation("a list of texts that is none");
  return value as string[];
}

function number(value: unknown): number {
  if (typeof value !== "number") throw violation("a measurement that is not a number");
  return value;
}

function positive(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value <= 0)
    throw violation("an id or count that is not a positive integer");
  return value;
}

/** A message to a worker: its kind and its value. */
export interface RuntimeMessage {
  readonly kind: number;
  readonly value: WireValue;
}

/** Messages from the runtime, each as `docs/protocol.md` §4 has it. */
export const messages = {
  hello: (hello: Hello, monotonicMs: number): RuntimeMessage => ({
    kind: kinds.hello,
    value: { protocol: protocolVersions, capabilities, ...hello, monotonicMs } as unknown as WireValue,
  }),
  put: (hash: string, spec: WireValue): RuntimeMessage => ({ kind: kinds.put, value: [hash, spec] }),
  /** @param deadlineMs absolute, on this process's monotonic clock; `Infinity` for none. */
  call: (
    id: number,
    target: CallTarget,
    input: WireValue,
    deadlineMs: number,
    context: WireValue,
  ): RuntimeMessage => ({
    kind: kinds.call,
    value: [id, target, input, deadlineMs === Infinity ? null : deadlineMs, context],
  }),
  upresult: (id: number, reply: WireValue): RuntimeMessage => ({
    kind: kinds.upresult,
    value: [id, true, reply],
  }),
  uperror: (id: number, error: WireValue): RuntimeMessage => ({
    kind: kinds.upresult,
    value: [id, false, error],
  }),
  /** One item of an upcall's answer. */
  stream: (id: number, item: WireValue): RuntimeMessage => ({ kind: kinds.stream, value: [id, item] }),
  /** Takes `n` further items of a streaming call. */
  credit: (id: number, n: number): RuntimeMessage => ({ kind: kinds.credit, value: [id, n] }),
  cancel: (id: number): RuntimeMessage => ({ kind: kinds.cancel, value: [id] }),
  ping: (n: number, monotonicMs: number): RuntimeMessage => ({ kind: kinds.ping, value: [n, monotonicMs] }),
  drain: (): RuntimeMessage => ({ kind: kinds.drain, value: [] }),
};
