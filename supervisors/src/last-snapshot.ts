import type { AnyActor, Snapshot } from "xstate";
import { isNormalExit, type ExitReason } from "./exit-reason.ts";

/** How an incarnation ended. */
interface End {
  readonly actor: AnyActor;
  readonly reason: ExitReason;
  readonly livedMs: number;
}

/**
 * The state that a crashed child had before it crashed. A state that makes its child crash again and again is poison: after
 * `max` resumes whose incarnations all crashed within `soonMs` of their start, the next start is from scratch.
 */
export class LastSnapshot {
  readonly #max: number;
  #snapshot: Snapshot<unknown> | undefined;
  #resumes = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Keeps the last good state of an incarnation that failed or was killed; any other end leaves nothing to resume. */
  keep({ actor, reason, livedMs }: End, soonMs: number): void {
    if (livedMs > soonMs) this.#resumes = 0;
    this.#snapshot = isNormalExit(reason) ? undefined : persisted(actor);
  }

  /** The snapshot that the next incarnation begins with; `undefined` for its logic's initial state. */
  next(): Snapshot<unknown> | undefined {
    if (this.#snapshot === undefined || this.#resumes >= this.#max) {
      this.#resumes = 0;
      this.#snapshot = undefined;
      return undefined;
    }
    this.#resumes += 1;
    return this.#snapshot;
  }
}

/** XState leaves the state from before the failure in the snapshot of an actor that failed; only its status is another. */
function persisted(actor: AnyActor): Snapshot<unknown> | undefined {
  try {
    return { ...actor.getPersistedSnapshot(), status: "active", error: undefined, output: undefined };
  } catch {
    // XState refuses for some machines, such as one with children made inline. Then there is nothing to resume from.
    return undefined;
  }
}
