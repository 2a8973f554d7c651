import { stateOf, type Child, type Request, type Waits } from "./model-child.ts";
import type { Process } from "./model-process.ts";
import type { Supervisor } from "./model-supervisor.ts";
import type { ChildScript } from "./scenario.ts";

/** Carries a call out, and gives what it is answered with. */
export function* answerCall(supervisor: Supervisor, { call: request, target }: Request): Waits<string> {
  const { script } = supervisor;
  const template = script.strategy === "dynamic" ? script.template : undefined;
  switch (request.call) {
    case "start_child":
      return template === undefined
        ? yield* startChild(supervisor, request.child, request.child.id)
        : "invalid";
    case "start_instance":
      return template === undefined
        ? "invalid"
        : yield* startChild(supervisor, { ...template, ...request.as }, request.name);
    case "terminate_child":
      return template === undefined ? yield* terminateChild(supervisor, request.id) : "simple_one_for_one";
    case "terminate_ref":
      return yield* terminateProcess(supervisor, target!);
    case "restart_child": {
      const child = stoppedChild(supervisor, request.id);
      return typeof child === "string" ? child : yield* supervisor.startChild(child);
    }
    case "delete_child": {
      const child = stoppedChild(supervisor, request.id);
      if (typeof child === "string") return child;
      supervisor.dropChild(child);
      return "ok";
    }
    case "get_childspec": {
      const specs = template === undefined ? supervisor.children.map(({ script }) => script) : [template];
      const script = specs.find(({ id }) => id === request.id);
      return script === undefined
        ? "not_found"
        : `${script.restart} ${script.shutdown} ${script.type} ${script.significant}`;
    }
    case "which_children":
      return supervisor.children
        .toReversed()
        .map((child) => `${child.name}:${stateOf(child)}:${child.script.type}`)
        .join(" ");
    case "count_children": {
      const { children } = supervisor;
      const active = children.filter(({ process }) => process?.alive).length;
      const supervisors = children.filter(({ script }) => script.type === "supervisor").length;
      const specs = template === undefined ? children.length : 1;
      return `${specs} specs, ${active} active, ${supervisors} supervisors, ${children.length - supervisors} workers`;
    }
  }
}

function* startChild(supervisor: Supervisor, script: ChildScript, name: string): Waits<string> {
  const { script: own } = supervisor;
  const auto_shutdown = own.strategy === "dynamic" ? "never" : own.auto_shutdown;
  const most = own.strategy === "dynamic" ? own.max_children : null;
  if (script.significant && (script.restart === "permanent" || auto_shutdown === "never")) return "invalid";
  const present = supervisor.child(name);
  if (present !== undefined) return stateOf(present) === "running" ? "already_started" : "already_present";
  if (most !== null && supervisor.children.length >= most) return "max_children";
  const child = supervisor.addChild(script, name);
  const outcome = yield* supervisor.startChild(child);
  if (outcome === "ignored") supervisor.clear(child);
  if (outcome === "failed") supervisor.dropChild(child);
  return outcome;
}

function* terminateChild(supervisor: Supervisor, id: string): Waits<string> {
  const child = supervisor.child(id);
  if (child === undefined) return "not_found";
  yield* supervisor.stopChild(child);
  return "ok";
}

function* terminateProcess(supervisor: Supervisor, target: Process): Waits<string> {
  if (supervisor.script.strategy !== "dynamic") return "not_found";
  const child = supervisor.children.find(({ process }) => process === target);
  if (child === undefined) return target.alive ? "not_found" : "ok";
  yield* supervisor.stopChild(child);
  return "ok";
}

function stoppedChild(supervisor: Supervisor, id: string): Child | string {
  const child = supervisor.child(id);
  if (supervisor.script.strategy === "dynamic") return "simple_one_for_one";
  if (child === undefined) return "not_found";
  const state = stateOf(child);
  return state === "stopped" ? child : state;
}
