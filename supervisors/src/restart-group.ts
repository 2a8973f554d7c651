import type { Action, ChildView } from "./strategy.ts";

/**
 * Stops a group of children in reverse start order, then starts it in start order. Temporary ones are only stopped. Those
 * that had no process are started too: OTP starts every specification that is left in the group.
 */
export function restartGroup<C extends ChildView>(failed: C, group: readonly C[]): Action<C>[] {
  const stops = group.filter((child) => child !== failed).toReversed();
  const starts = group.filter((child) => child.restart !== "temporary");
  return [
    ...stops.map((child): Action<C> => ({ do: "stop", child })),
    ...starts.map((child): Action<C> => ({ do: "start", child })),
  ];
}
