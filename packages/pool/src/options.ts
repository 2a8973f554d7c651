import { integerOption, durationOption, invalidOption, textOption } from "@dspex/core";

export interface PoolOptions {
  /** Workers. @default 2 */
  readonly size?: number;
  /** The interpreter that workers run on. @default the environment made by `npx dspex setup` */
  readonly python?: string;
  /** Calls that one worker takes at a time. @default 64 */
  readonly maxInFlight?: number;
  /** Threads of one worker for sync functions and programs. @default 8 */
  readonly threads?: number;
  /** Calls that may wait for a worker; one more gets `ERR_QUEUE_FULL`. @default 10_000 */
  readonly queueLimit?: number;
  /** How long a worker may take to become ready, in milliseconds. @default 30_000 */
  readonly bootTimeoutMs?: number;
  /** How long a stopping worker may finish its calls before it is killed, in milliseconds. @default 5_000 */
  readonly drainTimeoutMs?: number;
  /**
   * How long a cancelled or late call may stay unanswered before its worker is ended, in milliseconds: a worker answers at once
   * unless its event loop hangs. @default 5_000
   */
  readonly cancelGraceMs?: number;
  /** Time between pings, in milliseconds. @default 5_000 */
  readonly heartbeatMs?: number;
  /** The largest value that crosses the wire in either direction, in bytes. @default 64 MiB */
  readonly maxFrameBytes?: number;
  /** Directories in which workers look for the user's Python modules. @default [] */
  readonly paths?: readonly string[];
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
  const paths = options.paths ?? [];
  if (!Array.isArray(paths) || paths.some((entry) => typeof entry !== "string"))
    throw invalidOption(`${path}.paths`, options.paths, "a list of directories");
  return {
    size: integerOption(`${path}.size`, options.size, { default: 2, min: 1 }),
    python: options.python === undefined ? defaultPython() : textOption(`${path}.python`, options.python),
    maxInFlight: integerOption(`${path}.maxInFlight`, options.maxInFlight, { default: 64, min: 1 }),
    threads: integerOption(`${path}.threads`, options.threads, { default: 8, min: 1 }),
    queueLimit: integerOption(`${path}.queueLimit`, options.queueLimit, { default: 10_000, min: 0 }),
    bootTimeoutMs: durationOption(`${path}.bootTimeoutMs`, options.bootTimeoutMs, { default: 30_000 }),
    drainTimeoutMs: durationOption(`${path}.drainTimeoutMs`, options.drainTimeoutMs, { default: 5_000 }),
    cancelGraceMs: durationOption(`${path}.cancelGraceMs`, options.cancelGraceMs, { default: 5_000 }),
    heartbeatMs: durationOption(`${path}.heartbeatMs`, options.heartbeatMs, { default: 5_000, min: 10 }),
    maxFrameBytes: integerOption(`${path}.maxFrameBytes`, options.maxFrameBytes, {
      default: 64 * 1024 * 1024,
      min: 1024,
    }),
    paths,
    env: options.env ?? {},
    seams: options.seams ?? {},
  };
}
