import { availableParallelism } from "node:os";
import { choiceOption, integerOption, durationOption, invalidOption, textOption } from "@dspex/core";
import type { CodecName } from "@dspex/python-bridge";

export interface PoolOptions {
  /** Workers: so many, or as many between two bounds as the calls that wait make useful. @default 2 */
  readonly size?: number | SizeBounds;
  /** How long workers must have been superfluous before the pool shrinks, in milliseconds. @default 60_000 */
  readonly scaleDownAfterMs?: number;
  /**
   * Workers beside these that are ready and take no calls: when a worker is gone, one of them is in its place at once, while another
   * one starts. Each takes the memory of a worker. @default 0
   */
  readonly spares?: number;
  /** Workers that start at a time. @default the processor's cores, at most 8 */
  readonly startConcurrency?: number;
  /** A worker of this age is replaced, in milliseconds; up to 10 % earlier, so that not all are at once. @default Infinity: never */
  readonly maxAgeMs?: number;
  /** A worker that was given so many calls is replaced; up to 10 % earlier, so that not all are at once. @default Infinity: never */
  readonly maxCalls?: number;
  /**
   * A worker whose process has more resident memory than this is replaced, in bytes, as its latest PONG says (`heartbeatMs`). A fresh one
   * has 150 MB or so. @default Infinity: never
   */
  readonly maxRssBytes?: number;
  /** A worker whose event loop was later than this at its latest PONG is replaced, in milliseconds. @default Infinity: never */
  readonly maxLagMs?: number;
  /** The interpreter that workers run on. @default the environment made by `npx dspex setup` */
  readonly python?: string;
  /** The most calls that one worker takes at a time. @default 64 */
  readonly maxInFlight?: number;
  /**
   * The least calls that one worker takes at a time. Between this and `maxInFlight`, where it starts, its limit follows the lag of its event
   * loop: calls that compute are given to it a few at a time, calls that wait for a language model many. The same number as `maxInFlight`
   * keeps it there. @default as many as `threads`, at most `maxInFlight`
   */
  readonly minInFlight?: number;
  /** Threads of one worker for sync functions and programs. @default 8 */
  readonly threads?: number;
  /** Jobs that run at a time, each in a process of its own beside the workers; further ones wait. @default 1 */
  readonly jobs?: number;
  /** Calls that may wait for a worker, and again as many jobs; one more gets `ERR_QUEUE_FULL`. @default 10_000 */
  readonly queueLimit?: number;
  /** Of these, calls of one tenant; one more gets `ERR_QUEUE_FULL`. Calls without a tenant may fill the queue. @default half of `queueLimit` */
  readonly tenantQueueLimit?: number;
  /**
   * How long a call may wait for a worker, in milliseconds, where it does not say so itself; then it gets `ERR_QUEUE_TIMEOUT`.
   * @default Infinity: until its deadline
   */
  readonly queueTimeoutMs?: number;
  /**
   * Workers that died in a row with a function or program in flight, of which none answered a call of it, before it is refused with
   * `ERR_QUARANTINED`. The last of them runs nothing else, so what merely stood beside a killer is not refused. @default 3
   */
  readonly quarantineAfter?: number;
  /** Within how long these deaths count, and for how long it is refused then, in milliseconds. @default 60_000 */
  readonly quarantineMs?: number;
  /** Failed boots in a row, within a minute, after which a pool without a worker answers calls at once with `ERR_POOL_UNAVAILABLE`. @default 3 */
  readonly breakerFailures?: number;
  /** How long it does so before one call may wait again whether a worker comes, in milliseconds. @default 5_000 */
  readonly breakerOpenMs?: number;
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
  /** Names of further environment variables of this process that the workers inherit (G11). @default [] */
  readonly inheritEnv?: readonly string[];
  /** How much the workers' processes stand back for others, 0 to 19, added to this process's own (POSIX `nice`). @default 0 */
  readonly nice?: number;
  /**
   * Fork workers from a process that has imported DSPy and the modules of `warmUp`, which takes milliseconds and shares its memory. Where a
   * fork is not possible they are spawned, as without it. @default true on Linux, false elsewhere, where it cannot be true
   */
  readonly zygote?: boolean;
  /** Seams of the DSPy binding to switch off (`docs/architecture.md`), by name. @default {} */
  readonly seams?: Readonly<Record<string, boolean>>;
}

/** Between which numbers of workers a pool moves. */
export interface SizeBounds {
  /** At least 1. */
  readonly min: number;
  readonly max: number;
}

/** What a pool can be rolled out onto ({@link Pool.rollOut}): other code, or another environment. What is left out stays. */
export type PoolChanges = Pick<PoolOptions, "python" | "paths" | "warmUp" | "env">;

export interface ResolvedPoolOptions extends Required<Omit<PoolOptions, "size">> {
  readonly size: SizeBounds;
}

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
  platform: NodeJS.Platform = process.platform,
): ResolvedPoolOptions {
  const nice = integerOption(`${path}.nice`, options.nice, { default: 0, min: 0 });
  if (nice > 19) throw invalidOption(`${path}.nice`, nice, "a whole number from 0 to 19");
  const maxInFlight = integerOption(`${path}.maxInFlight`, options.maxInFlight, { default: 64, min: 1 });
  const threads = integerOption(`${path}.threads`, options.threads, { default: 8, min: 1 });
  const queueLimit = integerOption(`${path}.queueLimit`, options.queueLimit, { default: 10_000, min: 0 });
  return {
    size: sizeOption(`${path}.size`, options.size),
    scaleDownAfterMs: durationOption(`${path}.scaleDownAfterMs`, options.scaleDownAfterMs, {
      default: 60_000,
    }),
    spares: integerOption(`${path}.spares`, options.spares, { default: 0, min: 0 }),
    startConcurrency: integerOption(`${path}.startConcurrency`, options.startConcurrency, {
      default: Math.min(availableParallelism(), 8),
      min: 1,
    }),
    maxAgeMs: durationOption(`${path}.maxAgeMs`, options.maxAgeMs, { default: Infinity, min: 1 }),
    maxCalls: integerOption(`${path}.maxCalls`, options.maxCalls, { default: Infinity, min: 1 }),
    maxRssBytes: integerOption(`${path}.maxRssBytes`, options.maxRssBytes, { default: Infinity, min: 1 }),
    maxLagMs: durationOption(`${path}.maxLagMs`, options.maxLagMs, { default: Infinity, min: 1 }),
    maxInFlight,
    minInFlight: integerOption(`${path}.minInFlight`, options.minInFlight, {
      default: Math.min(threads, maxInFlight),
      min: 1,
      max: maxInFlight,
    }),
    threads,
    jobs: integerOption(`${path}.jobs`, options.jobs, { default: 1, min: 1 }),
    queueLimit,
    tenantQueueLimit: integerOption(`${path}.tenantQueueLimit`, options.tenantQueueLimit, {
      default: Math.ceil(queueLimit / 2),
      min: 0,
    }),
    queueTimeoutMs: durationOption(`${path}.queueTimeoutMs`, options.queueTimeoutMs, { default: Infinity }),
    quarantineAfter: integerOption(`${path}.quarantineAfter`, options.quarantineAfter, {
      default: 3,
      min: 2,
    }),
    quarantineMs: durationOption(`${path}.quarantineMs`, options.quarantineMs, { default: 60_000 }),
    breakerFailures: integerOption(`${path}.breakerFailures`, options.breakerFailures, {
      default: 3,
      min: 1,
    }),
    breakerOpenMs: durationOption(`${path}.breakerOpenMs`, options.breakerOpenMs, { default: 5_000 }),
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
    inheritEnv: listOption(`${path}.inheritEnv`, options.inheritEnv, "a list of names"),
    nice,
    zygote: zygoteOption(`${path}.zygote`, options.zygote, platform),
    seams: options.seams ?? {},
    ...changesOption(path, options, defaultPython),
  };
}

/**
 * A pool's options with some of them changed.
 *
 * @throws DspexError `ERR_INVALID_OPTION`.
 */
export function changePoolOptions(
  path: string,
  options: ResolvedPoolOptions,
  changes: PoolChanges,
): ResolvedPoolOptions {
  const { python, paths, warmUp, env } = options;
  return {
    ...options,
    ...changesOption(path, { python, paths, warmUp, env, ...changes }, () => python),
  };
}

function changesOption(
  path: string,
  { python, paths, warmUp, env }: PoolChanges,
  defaultPython: () => string,
): Required<PoolChanges> {
  return {
    python: python === undefined ? defaultPython() : textOption(`${path}.python`, python),
    paths: listOption(`${path}.paths`, paths, "a list of directories"),
    warmUp: listOption(`${path}.warmUp`, warmUp, 'a list of functions, "package.module:name"'),
    env: env ?? {},
  };
}

function sizeOption(path: string, value: number | SizeBounds | undefined): SizeBounds {
  if (typeof value !== "object" || value === null) {
    const size = integerOption(path, value, { default: 2, min: 1 });
    return { min: size, max: size };
  }
  const min = integerOption(`${path}.min`, value.min, { default: 1, min: 1 });
  const max = integerOption(`${path}.max`, value.max, { default: min, min: 1 });
  if (min > max) throw invalidOption(path, value, "bounds of which min is not above max");
  return { min, max };
}

function zygoteOption(path: string, value: boolean | undefined, platform: NodeJS.Platform): boolean {
  const able = platform === "linux";
  if (value === undefined) return able;
  if (typeof value !== "boolean") throw invalidOption(path, value, "true or false");
  if (value && !able)
    throw invalidOption(
      path,
      value,
      `false or left out on ${platform}, where a process that has loaded libraries does not survive a fork`,
    );
  return value;
}

function listOption(path: string, value: readonly string[] | undefined, expected: string): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.some((entry) => typeof entry !== "string"))
    throw invalidOption(path, value, expected);
  return value;
}
