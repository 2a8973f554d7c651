import { systemClock, type Clock } from "@dspex/core";
import { LifeCycle } from "./life-cycle.ts";
import { createRegistry, type Registry } from "./registry.ts";
import type { ReportSink } from "./report.ts";
import { RunQueue } from "./run-queue.ts";

/** What a supervisor is given by whoever starts it: its parent, or the application. */
export interface Surroundings {
  /** From the root down to and including this supervisor. */
  readonly path: readonly string[];
  readonly registry: Registry;
  readonly clock: Clock;
  readonly report: ReportSink;
  /** Delivers the messages of the whole tree. */
  readonly queue: RunQueue;
  /** Tells readers who started and who ended. */
  readonly lifeCycle: LifeCycle;
  /** Called when the static tree is up. */
  readonly ready: () => void;
}

/** What a supervisor may be given that stands alone, as the input of an actor of the user's own. */
export type SupervisorInput = Partial<Pick<Surroundings, "registry" | "clock" | "report">>;

/** Fills in what a supervisor needs that stands alone, as an actor of the user's own. */
export function completeSurroundings(id: string, given: Partial<Surroundings> = {}): Surroundings {
  return {
    path: given.path ?? [id],
    registry: given.registry ?? createRegistry(),
    clock: given.clock ?? systemClock,
    report: given.report ?? (() => {}),
    queue: given.queue ?? new RunQueue(),
    lifeCycle: given.lifeCycle ?? new LifeCycle(),
    ready: given.ready ?? (() => {}),
  };
}
