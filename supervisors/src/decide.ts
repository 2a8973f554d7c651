import { isNormalExit, type ExitReason } from "./exit-reason.ts";
import type { Action, ChildView, SupervisorView } from "./strategy.ts";

/** Decides what follows from the end of a child: OTP's restart types and `auto_shutdown`. */
export function decideExit<C extends ChildView>(
  child: C,
  reason: ExitReason,
  supervisor: SupervisorView<C>,
): readonly Action<C>[] {
  const normal = isNormalExit(reason);
  const forGood = child.restart === "temporary" || (child.restart === "transient" && normal);
  // As in OTP: a normal end is worth a report only where it was not to be expected.
  const report: readonly Action<C>[] = forGood && normal ? [] : [{ do: "report_terminated", child, reason }];
  if (!forGood) return [...report, { do: "restart", child }];
  const exit: readonly Action<C>[] = endsSupervisor(child, supervisor)
    ? [{ do: "exit", reason: "shutdown" }]
    : [];
  return [...report, { do: "lay_down", child }, ...exit];
}

/** Decides on an attempt to start a child again, be it the first or a further one: OTP's restart intensity and strategies. */
export function decideRestart<C extends ChildView>(
  child: C,
  tooMany: boolean,
  { strategy, table }: SupervisorView<C>,
): readonly Action<C>[] {
  if (!tooMany) return strategy(child, table);
  return [
    { do: "report_shutdown", child },
    { do: "lay_down", child },
    { do: "exit", reason: "shutdown" },
  ];
}

function endsSupervisor<C extends ChildView>(child: C, { auto_shutdown, table }: SupervisorView<C>): boolean {
  if (!child.significant || auto_shutdown === "never") return false;
  if (auto_shutdown === "any_significant") return true;
  return !table.all().some((other) => other !== child && other.significant && other.state !== "stopped");
}
