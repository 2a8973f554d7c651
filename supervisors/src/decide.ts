import { isNormalExit, type ExitReason } from "./exit-reason.ts";
import { countRestart } from "./restart-window.ts";
import type { Action, ChildView, Decision, SupervisorView } from "./strategy.ts";

/** Decides what follows from the end of a child: OTP's restart types, restart intensity, strategies and `auto_shutdown`. */
export function decideExit<C extends ChildView>(
  child: C,
  reason: ExitReason,
  supervisor: SupervisorView<C>,
  nowMs: number,
): Decision<C> {
  const normal = isNormalExit(reason);
  const forGood = child.restart === "temporary" || (child.restart === "transient" && normal);
  // As in OTP: a normal end is worth a report only where it was not to be expected.
  const report: readonly Action<C>[] = forGood && normal ? [] : [{ do: "report_terminated", child, reason }];
  if (!forGood) {
    const { actions, restarts } = decideRestart(child, supervisor, nowMs);
    return { actions: [...report, ...actions], restarts };
  }
  const exit: readonly Action<C>[] = endsSupervisor(child, supervisor)
    ? [{ do: "exit", reason: "shutdown" }]
    : [];
  return { actions: [...report, { do: "lay_down", child }, ...exit], restarts: supervisor.restarts };
}

/** Decides on another attempt to start a child. Every attempt counts as a restart. */
export function decideRestart<C extends ChildView>(
  child: C,
  supervisor: SupervisorView<C>,
  nowMs: number,
): Decision<C> {
  const { restarts, exceeded } = countRestart(supervisor.restarts, nowMs, supervisor);
  if (!exceeded) return { actions: supervisor.strategy(child, supervisor.table), restarts };
  return {
    actions: [
      { do: "report_shutdown", child },
      { do: "lay_down", child },
      { do: "exit", reason: "shutdown" },
    ],
    restarts,
  };
}

function endsSupervisor<C extends ChildView>(child: C, { auto_shutdown, table }: SupervisorView<C>): boolean {
  if (!child.significant || auto_shutdown === "never") return false;
  if (auto_shutdown === "any_significant") return true;
  return !table.all().some((other) => other !== child && other.significant && other.state !== "stopped");
}
