import { categories } from "./tickets.ts";
import type { TicketResult } from "./ticket-result.ts";

/** The `q`-quantile by nearest rank; `null` of nothing. */
export function quantile(values: readonly number[], q: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;
}

/** How many of the results are what a person expected, and how many one would hit by always naming the commonest class. */
export function accuracyOf(results: readonly TicketResult[]): {
  accuracy: number | null;
  baseline: number | null;
} {
  const judged = results.filter(({ ticket }) => ticket.expected !== undefined);
  if (judged.length === 0) return { accuracy: null, baseline: null };
  const right = judged.filter(
    (result) => result.ok && result.answer.category === result.ticket.expected,
  ).length;
  const commonest = Math.max(
    ...categories.map((category) => judged.filter(({ ticket }) => ticket.expected === category).length),
  );
  return { accuracy: right / judged.length, baseline: commonest / judged.length };
}
