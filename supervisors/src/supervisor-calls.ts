import { DspexError, invalidOption } from "@dspex/core";
import type { AnyActorRef, EventObject } from "xstate";
import { isAlive } from "./alive.ts";
import { Child } from "./child.ts";
import type { Task } from "./child-runner.ts";
import { resolveChildSpec, type ChildSpec, type ResolvedChildSpec } from "./child-spec.ts";
import { startFailure, type SupervisorRefusal } from "./errors.ts";
import { incarnationOf } from "./incarnation.ts";
import type { Reply } from "./reply.ts";
import type { SupervisorCore } from "./supervisor-core.ts";

/** A child as `whichChildren` lists it. */
export interface ChildInfo {
  readonly id: string;
  /** `stopped` is OTP's `undefined`: a specification without a process. */
  readonly state: "running" | "restarting" | "stopped";
  /** The living incarnation. */
  readonly ref: AnyActorRef | undefined;
  readonly type: "worker" | "supervisor";
}

/** What `countChildren` counts. */
export interface ChildCounts {
  /** Specifications; 1 for a supervisor with a template. */
  readonly specs: number;
  /** Children that are alive. */
  readonly active: number;
  /** Child supervisors, alive or not. */
  readonly supervisors: number;
  /** Workers, alive or not. */
  readonly workers: number;
}

/** A specification, whose `start` may take `extra_arguments`; or the arguments for a template. */
type AskedChild = ChildSpec<readonly never[]> | readonly unknown[];

/** A request to a supervisor. Which answer belongs to which request is known to `management.ts`, where both are made. */
export type Call =
  | { readonly call: "start_child"; readonly child: AskedChild }
  | { readonly call: "terminate_child"; readonly child: string | AnyActorRef }
  | { readonly call: "restart_child" | "delete_child" | "get_childspec"; readonly child: string }
  | { readonly call: "which_children" | "count_children" };

/** How a request reaches a supervisor. */
export interface CallEvent {
  readonly type: "otp.call";
  readonly call: Call;
  readonly reply: Reply<unknown>;
}

/** Anybody may send anything to a supervisor; a request comes with somebody who waits for the answer. */
export function isCall(event: EventObject): event is CallEvent {
  if (event.type !== "otp.call") return false;
  const { call, reply } = event as Partial<CallEvent>;
  return (
    typeof call?.call === "string" &&
    typeof reply?.resolve === "function" &&
    typeof reply.reject === "function"
  );
}

/** Carries a request out and answers it. If the supervisor ends meanwhile, the end of its actor is the answer. */
export function* answerCall(core: SupervisorCore, { call, reply }: CallEvent): Task {
  try {
    reply.resolve(yield* answer(core, call));
  } catch (error) {
    reply.reject(error);
  }
}

function* answer(core: SupervisorCore, call: Call): Task<unknown> {
  switch (call.call) {
    case "start_child":
      return yield* startChild(core, call.child);
    case "terminate_child":
      return yield* terminateChild(core, call.child);
    case "restart_child":
      return yield* start(core, stopped(core, call.child));
    case "delete_child":
      return core.table.delete(stopped(core, call.child));
    case "get_childspec":
      return specOf(core, call.child);
    case "which_children":
      return core.table.all().toReversed().map(infoOf);
    case "count_children":
      return count(core);
  }
}

function* startChild(core: SupervisorCore, asked: AskedChild): Task<AnyActorRef | undefined> {
  const { options, table } = core;
  const child = newChild(core, asked);
  const present = options.template === undefined ? table.get(child.id) : undefined;
  if (present !== undefined)
    throw refused(core, child.id, present.state === "running" ? "already_started" : "already_present");
  if (table.size >= options.max_children) throw refused(core, child.id, "max_children");
  table.add(child);
  try {
    const ref = yield* start(core, child);
    if (ref === undefined) core.runner.layDown(child);
    return ref;
  } catch (error) {
    table.delete(child);
    throw error;
  }
}

function newChild(core: SupervisorCore, asked: AskedChild): Child {
  const { template, auto_shutdown, extra_arguments: extra } = core.options;
  if (template !== undefined) {
    if (!isArguments(asked)) throw invalidOption("child", asked, "a list of arguments for the template");
    const id = core.nextInstanceId(template.id);
    return new Child(core, id, template, extra.length === 0 ? asked : [...extra, ...asked]);
  }
  const spec = resolveChildSpec(asked as ChildSpec<readonly unknown[]>, "child", auto_shutdown);
  return new Child(core, spec.id, spec, extra);
}

function isArguments(asked: AskedChild): asked is readonly unknown[] {
  return Array.isArray(asked);
}

function* start(core: SupervisorCore, child: Child): Task<AnyActorRef | undefined> {
  const outcome = yield* core.runner.start(child);
  if (outcome.as === "failed") throw startFailure(core.around.path, child.id, outcome.reason);
  return outcome.as === "started" ? outcome.ref : undefined;
}

function* terminateChild(core: SupervisorCore, asked: string | AnyActorRef): Task {
  const { kind } = core.options;
  const byId = typeof asked === "string";
  if (byId ? kind === "template" : kind === "static")
    throw refused(core, nameOf(asked), byId ? "simple_one_for_one" : "not_found");
  const child = byId ? core.table.get(asked) : childOf(asked, core);
  if (child !== undefined) yield* core.runner.stop(child);
  // What is dead already is as terminated as can be, whoever its supervisor was.
  else if (byId || isAlive(asked)) throw refused(core, nameOf(asked), "not_found");
}

/** The child whose living incarnation this is, or its last one, while what follows from its end is still to come. */
function childOf(ref: AnyActorRef, core: SupervisorCore): Child | undefined {
  const incarnation = incarnationOf(ref);
  const child = incarnation?.child;
  if (child === undefined || core.table.get(child.id) !== child) return undefined;
  return incarnation!.alive || (child.incarnation === undefined && child.lastLife === incarnation!.generation)
    ? child
    : undefined;
}

/** The child of this id, which must have no process. */
function stopped(core: SupervisorCore, id: string): Child {
  if (core.options.kind !== "static") throw refused(core, id, "simple_one_for_one");
  const child = core.table.get(id);
  if (child === undefined) throw refused(core, id, "not_found");
  if (child.state !== "stopped") throw refused(core, id, child.state);
  return child;
}

function specOf(core: SupervisorCore, id: string): ResolvedChildSpec {
  const spec =
    core.table.get(id)?.spec ?? (core.options.template?.id === id ? core.options.template : undefined);
  if (spec === undefined) throw refused(core, id, "not_found");
  return spec;
}

function infoOf({ id, state, incarnation, spec }: Child): ChildInfo {
  return { id, state, ref: incarnation?.actor, type: spec.type };
}

function count({ table, options }: SupervisorCore): ChildCounts {
  let active = 0;
  let supervisors = 0;
  for (const { incarnation, spec } of table) {
    if (incarnation !== undefined) active += 1;
    if (spec.type === "supervisor") supervisors += 1;
  }
  const specs = options.kind === "template" ? 1 : table.size;
  return { specs, active, supervisors, workers: table.size - supervisors };
}

function nameOf(asked: string | AnyActorRef): string {
  return typeof asked === "string" ? asked : asked.id;
}

function refused(core: SupervisorCore, child: string, reason: SupervisorRefusal): DspexError {
  return new DspexError(
    "ERR_SUPERVISOR_REFUSED",
    `Supervisor ${core.around.path.join("/")}, child "${child}": ${reason}.`,
    {
      details: { path: core.around.path, child, reason },
    },
  );
}
