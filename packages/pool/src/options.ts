import { choiceOption, integerOption, durationOption, invalidOption, textOption } from "@dspex/core";
import type { CodecName } from "@dspex/python-bridge";

export interface PoolOptions {
  /** Workers. @default 2 */
  readonly size?: number;
  /** The interpreter that workers run on. @default the environment made by `npx dspex setup` */
  readonly python?: string;
  /** Calls that one worker takes at a time. @default 64 */
  readonly maxInFlight?: number;
  /** Threads of one worker for sync functions and programs. @default 8 */
  readonly threads?: number;
  /** Jobs that run at a time, each in a process of its own beside the workers; further ones wait. @default 1 */
  readonly jobs?: number;
  /** Calls that may wait for a worker, and again as many jobs; one more gets `ERR_QUEUE_FULL`. @default 10_000 */
  readonly queueLimit?: number;
  /** How long a worker may take to become ready, in milliseconds. @default 30_000 */
  readonly bootTimeoutMs?: number;
  /** How long a stopping worker may finish its calls before it is killed, in milliseconds. @default 5_000 */
  readonly drainTimeoutMs?: number;
  /**
   * How long the Python code of a cancelled or late call may run on before its worker is ended with everything in it, in
   * milliseconds (G3). Async code and code that waits for the host ends at once; a thread, or code that blocks the event loop, cannot be
   * stopped otherwise. @default 5_000
   */
  readonly cancelGraceMs?: number;
  /** Time between pings, in milliseconds; with `Infinity` a worker that hangs is not found by them. @default 5_000 */
  readonly heartbeatMs?: number;
  /**
   * Pings in a row that a worker may leave unanswered while it is blocked (waits, on its event loop or with the interpreter's lock held) or stopped
   * by the system, before it is ended. @default 3
   */
  readonly maxMissed?: number;
  /**
   * For how long a worker may leave pings unanswered while it computes, in milliseconds. It is looked at with each ping: it is ended at the first that
   * finds it beyond. @default 60_000
   */
  readonly maxBusyMs?: number;
  /** The largest value that crosses the wire in either direction, in bytes. @default 64 MiB */
  readonly maxFrameBytes?: number;
  /**
   * How workers are spoken to: `"json-lines"` is text that a person can read, to look for a fault on the wire
   * (`docs/protocol.md` §7). @default "msgpack"
   */
  readonly codec?: CodecName;
  /** Directories in which workers look for the user's Python modules. @default [] */
  readonly paths?: readonly string[];
  /**
   * Python functions, as for `pythonFunction`, that a worker imports before it takes calls; the instances of their classes are made then,
   * too. One that fails keeps the worker from becoming ready. @default []
   */
  readonly warmUp?: readonly string[];
  /** Environment variables of the workers, beside the few that they inherit (G11). @default {} */
  readonly env?: Readonly<Record<string, string>>;
  /** Seams of the DSPy binding to switch off (`docs/architecture.md`), by name. @default {} */
  readonly seams?: Readonly<Record<string, boolean>>;
}

export type ResolvedPoolOptions = Required<PoolOptions>;

/**
 * Completes and checks a pool's options.
 *
 * @param path where they stand in the user's options, for the message.
 * @throws DspexError `ERR_INVALID_OPTION`.
 */
export function resolvePoolOptions(
  path: string,
  options: PoolOptions,
  defaultPython: () => string,
): ResolvedPoolOptions {
  return {
    size: integerOption(`${path}.size`, options.size, { default: 2, min: 1 }),
    python: options.python === undefined ? defaultPython() : textOption(`${path}.python`, options.python),
    maxInFlight: integerOption(`${path}.maxInFlight`, options.maxInFlight, { default: 64, min: 1 }),
    threads: integerOption(`${path}.threads`, options.threads, { default: 8, min: 1 }),
    jobs: integerOption(`${path}.jobs`, options.jobs, { default: 1, min: 1 }),
    queueLimit: integerOption(`${path}.queueLimit`, options.queueLimit, { default: 10_000, min: 0 }),
    bootTimeoutMs: durationOption(`${path}.bootTimeoutMs`, options.bootTimeoutMs, { default: 30_000 }),
    drainTimeoutMs: durationOption(`${path}.drainTimeoutMs`, options.drainTimeoutMs, { default: 5_000 }),
    cancelGraceMs: durationOption(`${path}.cancelGraceMs`, options.cancelGraceMs, { default: 5_000 }),
    heartbeatMs: durationOption(`${path}.heartbeatMs`, options.heartbeatMs, { default: 5_000, min: 10 }),
    maxMissed: integerOption(`${path}.maxMissed`, options.maxMissed, { default: 3, min: 1 }),
    maxBusyMs: durationOption(`${path}.maxBusyMs`, options.maxBusyMs, { default: 60_000 }),
    codec: choiceOption(`${path}.codec`, options.codec, {
      default: "msgpack",
      among: ["msgpack", "json-lines"],
    }),
    maxFrameBytes: integerOption(`${path}.maxFrameBytes`, options.maxFrameBytes, {
      default: 64 * 1024 * 1024,
      min: 1024,
    }),
    paths: listOption(`${path}.paths`, options.paths, "a list of directories"),
    warmUp: listOption(`${path}.warmUp`, options.warmUp, 'a list of functions, "package.module:name"'),
    env: options.env ?? {},
    seams: options.seams ?? {},
  };
}

function listOption(path: string, value: readonly string[] | undefined, expected: string): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== "string"))
    throw invalidOption(path, value, expected);
  return value;
}
