import {
  setup,
  type AnyActorRef,
  type AnyActorScope,
  type AnyEventObject,
  type AnyMachineSnapshot,
  type AnyStateMachine,
} from "xstate";
import type { Dag } from "./dag.ts";
import type { Plan } from "./pipeline.ts";
import { allWaiting, type Standings } from "./scheduler.ts";

/** The end of a node, as it comes back to the machine. */
export interface NodeEnded<End> {
  readonly type: `${string}.${"completed" | "skipped" | "failed"}`;
  readonly node: string;
  readonly end: End;
}

/** What the machine of a run has done for it. */
export interface Work<End> {
  /** Where its nodes stand. */
  readonly standings: Standings;
  /** The actor has started: so do the first nodes. Their ends come back as events. */
  begin(self: AnyActorRef): void;
  /** Takes the end of a node and starts what follows; or, when nothing does, says how the run ends. */
  settle(ended: NodeEnded<End>): { readonly type: "run.completed" | "run.failed" } | undefined;
  completed(): void;
  failed(): void;
  /** Its supervisor asks it to stop. */
  shutDown(): void;
}

const machines = new WeakMap<Plan, AnyStateMachine>();

/** The machine of all runs of a pipeline: made once, since a run differs in its work only, which is its input. */
export function machineOf(plan: Plan): AnyStateMachine {
  const known = machines.get(plan);
  if (known !== undefined) return known;
  const machine = withWork(plan.dag);
  machines.set(plan, machine);
  return machine;
}

/**
 * Puts the work under the chart. A stage costs one event: where the regions stand follows from the pure scheduler and is
 * written into the snapshot, while XState makes the moves from `running` to an end. To let it make those of the regions too
 * costs some 20 µs per region and stage; a test holds every snapshot to what it would have made.
 */
function withWork(dag: Dag): AnyStateMachine {
  const chart = pipelineChart(dag);
  const first = chart.resolveState({ value: { running: allWaiting(dag) }, context: {} });
  const at = (snapshot: AnyMachineSnapshot, { standings }: Work<unknown>): AnyMachineSnapshot => ({
    ...snapshot,
    value: { running: standings },
  });
  const own = {
    getInitialSnapshot: (_scope: AnyActorScope, input: { readonly work: Work<unknown> }) =>
      at({ ...first, context: input }, input.work),
    start: ({ context }: AnyMachineSnapshot, { self }: AnyActorScope) => workOf(context).begin(self),
    transition(snapshot: AnyMachineSnapshot, event: AnyEventObject, scope: AnyActorScope) {
      if (!isNodeEnded(event)) return chart.transition(snapshot, event, scope);
      const work = workOf(snapshot.context);
      const end = work.settle(event);
      const next = at(snapshot, work);
      return end === undefined ? next : chart.transition(next, end, scope);
    },
  };
  return Object.assign(Object.create(chart) as AnyStateMachine, own);
}

function isNodeEnded(event: AnyEventObject): event is NodeEnded<unknown> {
  return "node" in event && "end" in event;
}

function workOf(context: { readonly work: Work<unknown> }): Work<unknown> {
  return context.work;
}

/** The life of a run as an inspector draws it: one region per node, all at the same time, each from waiting to its end. */
function pipelineChart({ pipeline, nodes }: Dag): AnyStateMachine {
  return setup({
    types: {} as { context: { work: Work<unknown> }; input: { work: Work<unknown> }; events: AnyEventObject },
    actions: {
      completed: ({ context }) => context.work.completed(),
      failed: ({ context }) => context.work.failed(),
      shutDown: ({ context }) => context.work.shutDown(),
    },
  }).createMachine({
    id: pipeline,
    context: ({ input }) => input,
    initial: "running",
    states: {
      running: {
        type: "parallel",
        states: Object.fromEntries(nodes.map(({ name }) => [name, region(name)])),
        on: {
          "run.completed": "completed",
          "run.failed": "failed",
          "run.cancelled": "cancelled",
          "otp.shutdown": { target: "cancelled", actions: "shutDown" },
        },
      },
      completed: { type: "final", entry: "completed" },
      failed: { type: "final", entry: "failed" },
      cancelled: { type: "final" },
    },
  });
}

function region(node: string) {
  return {
    initial: "waiting",
    states: {
      waiting: { on: { [`${node}.started`]: "running", [`${node}.skipped`]: "skipped" } },
      running: {
        on: {
          [`${node}.completed`]: "completed",
          [`${node}.skipped`]: "skipped",
          [`${node}.failed`]: "failed",
        },
      },
      completed: {},
      skipped: {},
      failed: {},
    },
  };
}
