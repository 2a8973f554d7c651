import { invalidOption } from "@dspex/core";
import type { AnyActorRef } from "xstate";
import { noProcess } from "./alive.ts";
import { ask } from "./ask.ts";
import type { ChildSpec, ResolvedChildSpec } from "./child-spec.ts";
import { incarnationOf } from "./incarnation.ts";
import type { Call, CallEvent, ChildCounts, ChildInfo } from "./supervisor-calls.ts";
import { coreOf } from "./supervisor-identity.ts";

/*
 * OTP's management calls. Each is a promise of the answer; what OTP returns as `{error, …}` is a rejection:
 * `ERR_SUPERVISOR_REFUSED` with OTP's word in `details.reason`, `ERR_CHILD_START_FAILED`, `ERR_INVALID_OPTION` for a bad
 * specification, `ERR_NO_PROCESS` when the supervisor is not alive. As in OTP they wait without limit, behind whatever the
 * supervisor is doing.
 */

/**
 * Adds a child and starts it: by its specification, or, where the supervisor has a template, by the arguments of the template's
 * `start`. Resolves to the new actor, or `undefined` when its start said `ignore`.
 *
 * Refused with `already_started`, `already_present` (there is a stopped or restarting child of this id) or `max_children`. A
 * child whose start fails is not kept.
 */
export function startChild(
  supervisor: AnyActorRef,
  child: ChildSpec<readonly never[]> | readonly unknown[],
): Promise<AnyActorRef | undefined> {
  return request(supervisor, { call: "start_child", child });
}

/**
 * Stops a child; its specification stays, unless it is temporary or the supervisor is dynamic. A supervisor with a template wants the
 * actor (refused: `simple_one_for_one`), a static one the id; a dynamic one takes either. Refused with `not_found`.
 */
export function terminateChild(supervisor: AnyActorRef, child: string | AnyActorRef): Promise<void> {
  if (typeof child !== "string" && !isRef(child))
    return Promise.reject(invalidOption("child", child, "the id of a child, or its actor"));
  return request(supervisor, { call: "terminate_child", child });
}

/** Starts a stopped child again. Refused with `running`, `restarting`, `not_found` or `simple_one_for_one`. */
export function restartChild(supervisor: AnyActorRef, id: string): Promise<AnyActorRef | undefined> {
  return requestById(supervisor, "restart_child", id);
}

/** Drops the specification of a stopped child. Refused with `running`, `restarting`, `not_found` or `simple_one_for_one`. */
export function deleteChild(supervisor: AnyActorRef, id: string): Promise<void> {
  return requestById(supervisor, "delete_child", id);
}

/** The specification of a child, defaults filled in. Refused with `not_found`. */
export function getChildSpec(supervisor: AnyActorRef, id: string): Promise<ResolvedChildSpec> {
  return requestById(supervisor, "get_childspec", id);
}

/** All children, the newest first. */
export function whichChildren(supervisor: AnyActorRef): Promise<readonly ChildInfo[]> {
  return request(supervisor, { call: "which_children" });
}

export function countChildren(supervisor: AnyActorRef): Promise<ChildCounts> {
  return request(supervisor, { call: "count_children" });
}

/**
 * Kills a supervised actor without asking it, as `exit(Pid, kill)` does; its supervisor sees the reason `killed`. Nothing
 * happens to an actor that is dead already, or that no supervisor started.
 */
export function kill(ref: AnyActorRef): void {
  incarnationOf(ref)?.end("killed");
}

function requestById<T>(
  supervisor: AnyActorRef,
  call: "restart_child" | "delete_child" | "get_childspec",
  id: string,
): Promise<T> {
  if (typeof id !== "string") return Promise.reject(invalidOption("id", id, "the id of a child"));
  return request(supervisor, { call, child: id });
}

function request<T>(supervisor: AnyActorRef, call: Call): Promise<T> {
  if (!isRef(supervisor)) return Promise.reject(invalidOption("supervisor", supervisor, "an actor"));
  if (coreOf(supervisor) === undefined)
    return Promise.reject(noProcess(supervisor, `${supervisor.id} is not a supervisor`));
  return ask<T, CallEvent>(supervisor, (reply) => ({ type: "otp.call", call, reply }), {
    timeoutMs: Infinity,
  });
}

/** A caller without types may hand over anything. */
function isRef(value: unknown): value is AnyActorRef {
  return typeof value === "object" && value !== null && "send" in value && "getSnapshot" in value;
}
