import { backoffMs, DspexError, type BackoffOptions, pause } from "@dspex/core";
import type { Results, Step, StepScope } from "./step.ts";
import { callTarget, type Target } from "./target.ts";

type AnyTarget = Target<unknown, unknown>;

/** Pauses between the attempts of a stage. */
const pauses: BackoffOptions = { firstMs: 50, maxMs: 5_000 };

/** A stage that calls its target once. */
export function callOnce(
  target: AnyTarget,
  map: (results: Results) => unknown,
  attempts: number,
): Step["perform"] {
  return (results, scope) => callWithRetry(target, map(results), attempts, scope);
}

/** A stage that calls its target for each item, some at a time, and keeps the order of the items. */
export function callPerItem(
  target: AnyTarget,
  items: (results: Results) => readonly unknown[],
  map: (item: unknown, results: Results) => unknown,
  settings: { readonly attempts: number; readonly concurrency: number; readonly partial: boolean },
): Step["perform"] {
  const { attempts, concurrency, partial } = settings;
  return async (results, scope) => {
    const list = [...items(results)];
    const values = Array.from<unknown>({ length: list.length });
    let next = 0;
    let failed = false;
    const lane = async (): Promise<void> => {
      while (next < list.length && !failed && !scope.signal.aborted) {
        const index = next++;
        try {
          values[index] = await callWithRetry(target, map(list[index], results), attempts, scope);
        } catch (error) {
          if (!partial) {
            failed = true;
            throw error;
          }
          scope.onItemFailed(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, list.length) }, lane));
    return values;
  };
}

async function callWithRetry(
  target: AnyTarget,
  input: unknown,
  attempts: number,
  scope: StepScope,
): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await callTarget(target, input, scope);
    } catch (error) {
      const again = attempt < attempts && !scope.signal.aborted && mayHelp(error) && scope.budget.take();
      if (!again) throw error;
      scope.onRetry(attempt + 1, error);
      await pause(scope.clock, backoffMs(attempt, pauses, scope.random), scope.signal);
      scope.signal.throwIfAborted();
    }
  }
}

/** What we do not know may go away; an error of DSPex says whether it does. */
function mayHelp(error: unknown): boolean {
  return !DspexError.is(error) || error.retryable;
}
