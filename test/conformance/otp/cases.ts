import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { AutoShutdown, Restart, Shutdown } from "@dspex/supervisors";

/** One recorded run of OTP's own supervisor. README.md describes the fields. */
export interface Case {
  readonly id: string;
  readonly sup: SupervisorRecord;
  readonly ops: readonly Operation[];
  readonly expected: Run;
}

export interface Run {
  readonly steps: readonly Step[];
  readonly ended: string;
}

export interface Step {
  readonly op: string;
  readonly result: unknown;
  readonly events: readonly ChildEvent[];
  readonly alive: boolean;
}

export type ChildEvent =
  | readonly [kind: "start" | "start_failed" | "ignored", child: string]
  | readonly [kind: "stop", child: string, reason: string];

export interface Behaviour {
  readonly init: readonly ("ok" | "error" | "raise" | "ignore")[];
  readonly stop: "prompt" | "never" | "throws";
}

export type SupervisorRecord = { readonly intensity: number; readonly period: number } & (
  | {
      readonly strategy: "one_for_one" | "one_for_all" | "rest_for_one";
      readonly auto_shutdown?: AutoShutdown;
      readonly children: readonly ChildRecord[];
    }
  | { readonly strategy: "simple_one_for_one"; readonly template: Omit<WorkerRecord, "behaviour"> }
);

export type ChildRecord = WorkerRecord | (Place & { readonly type: "supervisor" } & SupervisorRecord);

export type WorkerRecord = Place & { readonly type: "worker"; readonly behaviour: Behaviour };

interface Place {
  readonly id: string;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly significant?: boolean;
}

export type ExitWord = "normal" | "shutdown" | "shutdown_term" | "crash" | "kill";

export type Operation =
  | { readonly op: "exit"; readonly child: string; readonly reason: ExitWord }
  | { readonly op: "start_child"; readonly sup: string; readonly spec: WorkerRecord }
  | {
      readonly op: "start_dynamic";
      readonly sup: string;
      readonly name: string;
      readonly behaviour: Behaviour;
    }
  | { readonly op: "terminate_dynamic"; readonly sup: string; readonly name: string }
  | {
      readonly op: "terminate_child" | "restart_child" | "delete_child";
      readonly sup: string;
      readonly id: string;
    }
  | { readonly op: "which_children" | "count_children"; readonly sup: string };

/**
 * Reads a file of cases, one JSON object a line, compressed or not.
 *
 * @throws Error naming the line that holds no case; also when there is none at all.
 */
export function readCases(file: string | URL): Case[] {
  const bytes = readFileSync(file);
  const compressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = (compressed ? gunzipSync(bytes) : bytes).toString("utf8");
  const cases = text
    .split("\n")
    .flatMap((line, index) => (line.trim() === "" ? [] : [parse(line, index + 1)]));
  if (cases.length === 0) throw new Error(`${String(file)} holds no case.`);
  return cases;
}

function parse(line: string, number: number): Case {
  try {
    const parsed = JSON.parse(line) as Case;
    if (typeof parsed.sup === "object" && Array.isArray(parsed.ops) && Array.isArray(parsed.expected?.steps))
      return parsed;
  } catch {
    // Said below.
  }
  throw new Error(`Line ${number} is not a case: ${line.slice(0, 80)}`);
}
