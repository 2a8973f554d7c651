import type { AutoShutdown, Restart } from "./child-spec.ts";
import type { ExitReason } from "./exit-reason.ts";

/** What a decision may know about a child. */
export interface ChildView {
  readonly id: string;
  readonly restart: Restart;
  readonly significant: boolean;
  /** `running` until its end was dealt with, as OTP counts it. */
  readonly state: "running" | "restarting" | "stopped";
}

/** The children of a supervisor in start order, as decisions see them. Lists are made only when they are asked for. */
export interface TableView<C extends ChildView> {
  all(): readonly C[];
  /** `child` and those that stand after it. */
  from(child: C): readonly C[];
}

/** What the executor is to do next. A start that fails ends the list: that child is tried again later, and the rest with it. */
export type Action<C extends ChildView> =
  | { readonly do: "start"; readonly child: C }
  /** Stop the child if it runs, wait for its end, then lay it down. */
  | { readonly do: "stop"; readonly child: C }
  /** The child has no process any more: keep its specification, or drop it with a temporary child. */
  | { readonly do: "lay_down"; readonly child: C }
  /** Count a restart, and decide on it. */
  | { readonly do: "restart"; readonly child: C }
  | { readonly do: "report_terminated"; readonly child: C; readonly reason: ExitReason }
  /** The supervisor gives up because of this child. */
  | { readonly do: "report_shutdown"; readonly child: C }
  /** Stop all children, then end. */
  | { readonly do: "exit"; readonly reason: ExitReason };

/** How the restart of one child affects the others. */
export type Strategy = <C extends ChildView>(child: C, table: TableView<C>) => readonly Action<C>[];

/** What a supervisor's decisions depend on, beside the child and what happened to it. */
export interface SupervisorView<C extends ChildView> {
  readonly strategy: Strategy;
  readonly auto_shutdown: AutoShutdown;
  readonly table: TableView<C>;
}
