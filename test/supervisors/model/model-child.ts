import type { Timer } from "@dspex/core";
import type { Process } from "./model-process.ts";
import type { Call, ChildScript, Reason } from "./scenario.ts";

/**
 * A place in a supervisor's table. `restarting`: its start failed, and it is tried again. `exited`: it is dead, and the
 * message that says so waits.
 */
export interface Child {
  readonly name: string;
  readonly script: ChildScript;
  state: "stopped" | "starting" | "running" | "stopping" | "exited" | "restarting";
  /** The present one, or the last. */
  process: Process | undefined;
  reason: Reason;
  starts: number;
  timer: Timer | undefined;
}

export type Message =
  | { readonly type: "EXIT"; readonly child: Child; readonly process: Process }
  | { readonly type: "try_again"; readonly child: Child; readonly starts: number }
  | Request;

export interface Request {
  readonly type: "call";
  readonly call: Call;
  /** Whom the call is about, where it names a process. */
  readonly target: Process | undefined;
  readonly answer: (text: string) => void;
}

/** Code that waits: it yields what it waits for. */
export type Waits<T = void> = Generator<() => boolean, T, void>;

/** A child counts as running until its end was dealt with. */
export function stateOf({ state }: Child): "running" | "restarting" | "stopped" {
  return state === "stopped" || state === "restarting" ? state : "running";
}
