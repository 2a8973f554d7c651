import { AttemptBudget } from "@dspex/core";
import type { RunBudget } from "./step.ts";

/** An attempt budget that tells what is left, for the calls that take their part of it by number. */
export class SharedBudget extends AttemptBudget implements RunBudget {
  readonly #furtherAttempts: number;

  constructor(furtherAttempts: number) {
    super(furtherAttempts);
    this.#furtherAttempts = furtherAttempts;
  }

  get left(): number {
    return this.#furtherAttempts - this.taken;
  }
}
