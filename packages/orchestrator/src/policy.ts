/** An endpoint that may be chosen, as the policy sees it. Costs are in any one unit. */
export interface Candidate {
  readonly endpoint: string;
  /** What a call there is expected to cost. */
  readonly cost: number;
  /** The same of a trial: less when the last request there went better than expected. */
  readonly trialCost: number;
}

export interface Choice {
  readonly endpoint: string;
  /** `best`: the lowest cost. `kept`: none is lower by enough to move. `trial`: to see how another endpoint does now. */
  readonly why: "best" | "kept" | "trial";
  /** Where the operation's calls go from now on, apart from trials. */
  readonly usual: string;
}

/** Another endpoint must be cheaper by this factor before the calls move: of two that are alike, one is kept. */
export const hysteresis = 1.15;

/** Trials may cost this part of what the calls cost anyway, on average. */
const trialBudget = 0.05;

/** No trial counts as cheaper than this part of a usual call, so at most every fourth call is one. */
const leastTrialPrice = 0.2;

/**
 * The simplest policy that does it: go where the cost is lowest, keep to it while nothing is clearly better, and try the
 * others as often as 5 % of the cost pays for. So a dear endpoint is tried rarely, one that was cheap at its last trial
 * often, and an endpoint that recovered is found again.
 *
 * @param candidates at least one.
 * @param usual the endpoint of the operation so far.
 * @param random a number in [0, 1).
 */
export function choose(candidates: readonly Candidate[], usual: string | undefined, random: number): Choice {
  const best = candidates.reduce((least, candidate) => (candidate.cost < least.cost ? candidate : least));
  const current = candidates.find(({ endpoint }) => endpoint === usual);
  const to = current !== undefined && current.cost <= best.cost * hysteresis ? current : best;
  let left = random;
  for (const candidate of candidates) {
    if (candidate === to) continue;
    const price = Math.max(candidate.trialCost - to.cost, leastTrialPrice * to.cost);
    left -= (trialBudget * to.cost) / price / (candidates.length - 1);
    if (left < 0) return { endpoint: candidate.endpoint, why: "trial", usual: to.endpoint };
  }
  return { endpoint: to.endpoint, why: to === best ? "best" : "kept", usual: to.endpoint };
}
