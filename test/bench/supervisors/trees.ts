import {
  dynamicSupervisorSpec,
  server,
  startApplication,
  startChild,
  type Application,
  type ChildStart,
  type StartScope,
} from "@dspex/supervisors";
import { fromTransition, type AnyActorRef } from "xstate";

/** The cheapest logic with a state that XState has: what our own share weighs most against. */
export const counter = fromTransition((count: number, _event: { readonly type: "add" }) => count + 1, 0);

/** A process that is asked to stop and answers; `stopped` counts the answers. */
export function gracefulServer(): { readonly logic: ChildStart; readonly stopped: () => number } {
  let stopped = 0;
  const logic = server({ init: () => 0, receive: (state) => state, terminate: () => void (stopped += 1) });
  return { logic, stopped: () => stopped };
}

export interface Pool {
  readonly app: Application;
  /** A dynamic supervisor, of instances of one template. */
  readonly supervisor: AnyActorRef;
}

/** A tree with one dynamic supervisor, which has no child yet. */
export async function startPool<Args extends readonly unknown[]>(
  start: (scope: StartScope, ...args: Args) => ChildStart,
): Promise<Pool> {
  const app = await startApplication({
    children: [dynamicSupervisorSpec("pool", { template: { id: "child", start } }, { name: "pool" })],
  });
  return { app, supervisor: app.registry.whereis("pool")! };
}

/** Starts children one after the other, each once the one before is up. */
export async function spawn(
  { supervisor }: Pool,
  count: number,
  ...args: readonly unknown[]
): Promise<AnyActorRef[]> {
  const refs: AnyActorRef[] = [];
  for (let index = 0; index < count; index += 1) refs.push((await startChild(supervisor, args))!);
  return refs;
}
