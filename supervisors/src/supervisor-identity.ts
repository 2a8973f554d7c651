import type { AnyActorLogic, AnyActorRef } from "xstate";
import type { SupervisorCore } from "./supervisor-core.ts";

const cores = new WeakMap<AnyActorRef, SupervisorCore>();
const logics = new WeakSet<AnyActorLogic>();

/** Remembers that this actor is a supervisor, and its inside. */
export function identify(ref: AnyActorRef, core: SupervisorCore): void {
  cores.set(ref, core);
}

/** The inside of a supervisor; `undefined` for any other actor. */
export function coreOf(ref: AnyActorRef): SupervisorCore | undefined {
  return cores.get(ref);
}

/** Remembers that this logic makes supervisors. */
export function identifyLogic<L extends AnyActorLogic>(logic: L): L {
  logics.add(logic);
  return logic;
}

export function isSupervisorLogic(logic: AnyActorLogic): boolean {
  return logics.has(logic);
}
