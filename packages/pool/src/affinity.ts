import { invalidOption } from "@dspex/core";
import type { WorkerLoad } from "./choose-worker.ts";

const affinityModes = ["hint", "strict_queue", "strict_fail_fast"] as const;

/** What a key means where its worker has no room: `"hint"`, another one takes the call; `"strict_queue"`, the call waits for it; `"strict_fail_fast"`, it fails. */
export type AffinityMode = (typeof affinityModes)[number];

export interface Affinity {
  readonly key: string;
  readonly mode: AffinityMode;
}

/** The long form of an affinity; a text alone is a hint. @throws DspexError `ERR_INVALID_OPTION`. */
export function resolveAffinity(affinity: string | Affinity | undefined): Affinity | undefined {
  if (affinity === undefined) return undefined;
  if (typeof affinity === "string") return { key: affinity, mode: "hint" };
  const { key, mode } = Object(affinity) as Partial<Affinity>;
  if (typeof key !== "string" || mode === undefined || !affinityModes.includes(mode))
    throw invalidOption(
      "affinity",
      affinity,
      `a text, or { key, mode } with a mode of ${affinityModes.join(", ")}`,
    );
  return { key, mode };
}

/** The key of a call that runs on its key's worker or not at all; `undefined` for all others. */
export function strictKey(affinity: Affinity | undefined): string | undefined {
  return affinity === undefined || affinity.mode === "hint" ? undefined : affinity.key;
}

/** Keys that are pinned at a time; the one that was used least lately is forgotten. */
const maxPins = 10_000;

/**
 * Where strict keys are at home: a key is pinned to the worker that its first call is given, and stays there until that worker takes no
 * further call. The next call of the key is told so, once; then it may have a new home. Bounded (G4): a key that 10,000 others have
 * followed is forgotten, and pinned anew.
 */
export class Pins<W extends WorkerLoad> {
  /** In the order of their use. */
  readonly #homes = new Map<string, W | undefined>();

  /** The key's worker; `undefined` when it has none yet, and `"gone"`, once, when it had one. */
  home(key: string): W | "gone" | undefined {
    if (!this.#homes.has(key)) return undefined;
    const worker = this.#homes.get(key);
    this.#homes.delete(key);
    if (worker === undefined || worker.capacity === 0) return "gone";
    this.#homes.set(key, worker);
    return worker;
  }

  pin(key: string, worker: W): void {
    this.#homes.set(key, worker);
    if (this.#homes.size > maxPins) this.#homes.delete(this.#homes.keys().next().value!);
  }

  /** Whoever uses the key has been told that its worker is gone. */
  release(key: string): void {
    this.#homes.delete(key);
  }

  /** The worker is gone: holds on to it no longer, only to the fact. */
  forget(worker: W): void {
    for (const [key, home] of this.#homes) if (home === worker) this.#homes.set(key, undefined);
  }
}
