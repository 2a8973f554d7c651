import { deferred, DspexError, type Deferred } from "@dspex/core";
import type { ResolvedPoolOptions } from "./options.ts";

/**
 * A roll-out under way: first one worker with the new options beside all others; when it is ready, they are the pool's, and the others are
 * replaced one after another.
 */
export class RollOut {
  readonly options: ResolvedPoolOptions;
  /** The first worker with the new options, by its id, from its start until it is ready. */
  candidate: string | undefined;
  /** It was ready: the new options are the pool's. */
  accepted = false;
  readonly #done: Deferred<void> = deferred();

  constructor(options: ResolvedPoolOptions) {
    this.options = options;
  }

  /** Resolves when every worker has the new options; rejects when none will. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  end(error: DspexError | undefined): void {
    if (error === undefined) this.#done.resolve();
    else this.#done.reject(error);
  }
}

export function rollOutInProgress(pool: string): DspexError<"ERR_ROLLOUT_IN_PROGRESS"> {
  return new DspexError(
    "ERR_ROLLOUT_IN_PROGRESS",
    `Pool "${pool}" is being rolled out already. Wait for the promise of that roll-out, then begin another.`,
    { details: { pool }, retryable: true },
  );
}
