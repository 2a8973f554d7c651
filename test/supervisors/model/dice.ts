import { seededRandom } from "../../../packages/orchestrator/src/seeded-random.ts";

/** Chances, and choices, that follow from a seed. */
export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  among<const T extends readonly [unknown, ...unknown[]]>(...list: T): T[number] {
    return this.oneOf(list);
  }

  /** `undefined` where there is nothing to choose from. */
  oneOf<T>(list: readonly T[]): T | undefined {
    return list[this.between(0, list.length - 1)];
  }
}
