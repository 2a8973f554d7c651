import { choiceOption, durationOption, integerOption, invalidOption } from "@dspex/core";
import type { AffinityMode } from "@dspex/programs";

export interface SessionOptions {
  /**
   * A session that nobody used for so long expires, in milliseconds; it is in use while a call of it runs. `Infinity`: only its end ends
   * it. @default 3_600_000
   */
  readonly ttlMs?: number;
  /** Turns that the history holds; the oldest is dropped. @default 50 */
  readonly maxTurns?: number;
  /** Calls that may wait for the one that runs; one more gets `ERR_SESSION_BUSY`. @default 100 */
  readonly queueLimit?: number;
  /**
   * How much the session insists on its worker (`CallOptions.affinity`): `"hint"` where programs keep nothing in Python, a strict mode where they
   * do. @default "hint"
   */
  readonly affinity?: AffinityMode;
}

export type ResolvedSessionOptions = Required<SessionOptions>;

const defaultTtlMs = 3_600_000;

/** @throws DspexError `ERR_INVALID_OPTION`. */
export function resolveSessionOptions(options: SessionOptions): ResolvedSessionOptions {
  const ttlMs = durationOption("ttlMs", options.ttlMs, { default: defaultTtlMs });
  if (ttlMs === 0)
    throw invalidOption(
      "ttlMs",
      ttlMs,
      "more than 0: leave it out for one hour, or give Infinity for a session that does not expire",
    );
  return {
    ttlMs,
    maxTurns: integerOption("maxTurns", options.maxTurns, { default: 50, min: 1 }),
    queueLimit: integerOption("queueLimit", options.queueLimit, { default: 100, min: 0 }),
    affinity: choiceOption("affinity", options.affinity, {
      default: "hint",
      among: ["hint", "strict_queue", "strict_fail_fast"],
    }),
  };
}

/**
 * Checks that whoever opens a session that lives asks for nothing that it is not.
 *
 * @throws DspexError `ERR_INVALID_OPTION`.
 */
export function checkAgreement(asked: SessionOptions, has: ResolvedSessionOptions): void {
  for (const option of ["ttlMs", "maxTurns", "queueLimit", "affinity"] as const)
    if (asked[option] !== undefined && asked[option] !== has[option])
      throw invalidOption(option, asked[option], `${has[option]}, with which the session lives, or left out`);
}
