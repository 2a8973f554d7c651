import type { AutoShutdown, Restart, Shutdown } from "@dspex/supervisors";

/** A tree, and what is done to it. It is plain JSON, so that a failure can be printed, shortened and played again. */
export interface Scenario {
  readonly root: StaticScript;
  readonly ops: readonly Op[];
}

export type ChildScript = WorkerScript | SupervisorScript;

interface Place {
  /** Unique in the scenario, so that it also names the newest incarnation. */
  readonly id: string;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly significant: boolean;
  /** It has this long to say that it is ready. */
  readonly startTimeoutMs?: number;
}

export interface WorkerScript extends Place {
  readonly type: "worker";
  /**
   * How it stops when it is asked: at once, after so many milliseconds, never, with a throw; `deaf` does not trap exits, so its
   * supervisor does not wait for it.
   */
  readonly stop: "prompt" | number | "never" | "throws" | "deaf";
  /** When it says that it is ready. Only with `startTimeoutMs` does anybody wait for that. */
  readonly readyMs?: number | "never";
  /** It ends as soon as it is started. */
  readonly brief?: "normal" | "shutdown_term";
}

export type SupervisorScript = StaticScript | DynamicScript;

interface SupervisorPlace extends Place {
  readonly type: "supervisor";
  readonly intensity: number;
  readonly periodMs: number;
}

export interface StaticScript extends SupervisorPlace {
  readonly strategy: "one_for_one" | "one_for_all" | "rest_for_one";
  readonly auto_shutdown: AutoShutdown;
  readonly children: readonly ChildScript[];
}

/** With a template it is OTP's simple_one_for_one, without one Elixir's DynamicSupervisor. */
export interface DynamicScript extends SupervisorPlace {
  readonly strategy: "dynamic";
  readonly template?: WorkerScript;
  /** `null` is no limit, which JSON cannot write. */
  readonly max_children: number | null;
}

/** In what an instance differs from its template. */
export type InstanceScript = Pick<WorkerScript, "stop">;

/** Why a process ended; `shutdown_term` is OTP's `{shutdown, Term}`. */
export type Reason = "normal" | "shutdown" | "shutdown_term" | "error" | "killed";

export type Op =
  /** Lets everything happen that is due, and time pass. Only here is it looked what happened. */
  | { readonly op: "pass"; readonly ms: number }
  /** The worker ends of itself, after a clean-up where `slowMs` is given. */
  | {
      readonly op: "end";
      readonly child: string;
      readonly reason: Exclude<Reason, "killed">;
      readonly slowMs?: number;
    }
  | { readonly op: "kill"; readonly child: string }
  /** From now on, what the start of this child comes to. */
  | { readonly op: "mode"; readonly child: string; readonly mode: Mode }
  /** Somebody other than its parent tells a supervisor to shut down; `root` is `Application.stop`. */
  | { readonly op: "shutdown"; readonly sup: string }
  | ({ readonly op: "call"; readonly sup: string } & Call)
  /** Many instances of a template are started, or end, one right after the other. */
  | {
      readonly op: "start_many";
      readonly sup: string;
      readonly prefix: string;
      readonly count: number;
      readonly as: InstanceScript;
    }
  | {
      readonly op: "end_many";
      readonly prefix: string;
      readonly count: number;
      readonly every: number;
      readonly reason: Exclude<Reason, "killed">;
    };

/** An operation that stands for itself. */
export type OneOp = Exclude<Op, { op: "start_many" | "end_many" }>;

export type Mode = "ok" | "fail" | "ignore";

export type Call =
  | { readonly call: "start_child"; readonly child: ChildScript }
  /** An instance of a template, by the arguments that its start function is called with. */
  | { readonly call: "start_instance"; readonly name: string; readonly as: InstanceScript }
  /** By id, and by the process that had this name last. */
  | { readonly call: "terminate_child" | "terminate_ref"; readonly id: string }
  | { readonly call: "restart_child" | "delete_child" | "get_childspec"; readonly id: string }
  | { readonly call: "which_children" | "count_children" };

/** What is seen at the end of a `pass`. */
export interface Sight {
  /** Starts, ends and reports since the last time, in order. */
  readonly trace: readonly string[];
  /** The calls that were answered since the last time. */
  readonly answers: readonly string[];
  /** Who lives, a line each. */
  readonly tree: readonly string[];
  /** When there is something to do. */
  readonly timers: readonly string[];
}

export function traceLine(atMs: number, path: readonly string[], what: string): string {
  return `${atMs} ms: ${path.join("/")} ${what}`;
}

/** How a node of the tree is shown. */
export function treeLine(
  indent: string,
  name: string,
  node: {
    readonly state: string;
    readonly starts: number;
    readonly uptimeMs: number;
    readonly restartsInWindow: number;
  },
): string {
  const { state, starts, uptimeMs, restartsInWindow } = node;
  return `${indent}${name} ${state}, start ${starts}, up ${uptimeMs} ms, ${restartsInWindow} restarts in the window`;
}

/** An operation, or the many that it stands for. */
export function* unfold(op: Op): Generator<OneOp> {
  if (op.op === "start_many") {
    const { sup, prefix, count, as } = op;
    for (let index = 0; index < count; index += 1)
      yield { op: "call", sup, call: "start_instance", name: `${prefix}${index}`, as };
  } else if (op.op === "end_many") {
    const { prefix, count, every, reason } = op;
    for (let index = 0; index < count; index += every)
      yield { op: "end", child: `${prefix}${index}`, reason };
  } else yield op;
}
