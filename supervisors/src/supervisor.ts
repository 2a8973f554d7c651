import { setup, type ActorLogic, type AnyActorScope, type AnyEventObject, type SnapshotFrom } from "xstate";
import type { ChildSpec } from "./child-spec.ts";
import { isErrorExit, type ExitOutput } from "./exit-reason.ts";
import { isCall } from "./supervisor-calls.ts";
import { SupervisorCore } from "./supervisor-core.ts";
import { identify, identifyLogic } from "./supervisor-identity.ts";
import {
  resolveDynamicOptions,
  resolveSupervisorOptions,
  type DynamicSupervisorOptions,
  type ResolvedSupervisorOptions,
  type SupervisorOptions,
} from "./supervisor-options.ts";
import type { SupervisorInput } from "./surroundings.ts";

/** The life of every supervisor, as an inspector draws it. The work is done by the core; the chart follows its phase. */
const lifecycle = setup({
  types: {} as {
    context: { core: SupervisorCore };
    input: { core: SupervisorCore };
    events: AnyEventObject;
    output: ExitOutput;
  },
  guards: {
    starting: ({ context }) => context.core.phase === "starting",
    running: ({ context }) => context.core.phase === "running",
    restarting: ({ context }) => context.core.phase === "restarting",
    stopping: ({ context }) => context.core.phase === "stopping",
    stopped: ({ context }) => context.core.phase === "stopped",
  },
}).createMachine({
  id: "supervisor",
  context: ({ input }) => input,
  initial: "starting",
  states: {
    starting: { on: { "otp.phase": [to("running"), to("stopping"), to("stopped")] } },
    running: { on: { "otp.phase": [to("restarting"), to("stopping"), to("stopped")] } },
    restarting: { on: { "otp.phase": [to("running"), to("stopping"), to("stopped")] } },
    stopping: { on: { "otp.phase": to("stopped") } },
    stopped: { type: "final" },
  },
  output: ({ context }) => ({ reason: context.core.reason }),
});

function to<P extends SupervisorCore["phase"]>(phase: P): { readonly guard: P; readonly target: P } {
  return { guard: phase, target: phase };
}

type SupervisorSnapshot = SnapshotFrom<typeof lifecycle>;

/** Actor logic of a supervisor. As an actor of its own it is started with `startApplication`; below that, as a child. */
export type SupervisorLogic = ActorLogic<SupervisorSnapshot, AnyEventObject, SupervisorInput | undefined>;

/**
 * A supervisor of a fixed list of children, which `startChild` may extend: OTP's `supervisor` with one_for_one, one_for_all or
 * rest_for_one.
 *
 * @throws DspexError `ERR_INVALID_OPTION` naming the field.
 */
export function supervisor(options: SupervisorOptions): SupervisorLogic {
  return supervisorLogic(resolveSupervisorOptions(options));
}

/**
 * A supervisor of children that come and go: OTP's simple_one_for_one when it has a template, else Elixir's DynamicSupervisor.
 * All of them are stopped at the same time.
 *
 * @throws DspexError `ERR_INVALID_OPTION` naming the field.
 */
export function dynamicSupervisor<Args extends readonly unknown[] = readonly never[]>(
  options: DynamicSupervisorOptions<Args> = {},
): SupervisorLogic {
  return supervisorLogic(resolveDynamicOptions(options));
}

/** How a supervisor stands in its own supervisor. */
export type SupervisorPlace = Omit<ChildSpec, "id" | "start" | "type">;

/** The child specification of a supervisor, with OTP's defaults for one: type `supervisor`, shutdown `infinity`. */
export function supervisorSpec(
  id: string,
  options: SupervisorOptions,
  place: SupervisorPlace = {},
): ChildSpec {
  const logic = supervisor(options);
  return { ...place, id, type: "supervisor", start: () => logic };
}

/** The child specification of a dynamic supervisor, with OTP's defaults for a supervisor. */
export function dynamicSupervisorSpec<Args extends readonly unknown[] = readonly never[]>(
  id: string,
  options: DynamicSupervisorOptions<Args> = {},
  place: SupervisorPlace = {},
): ChildSpec {
  const logic = dynamicSupervisor(options);
  return { ...place, id, type: "supervisor", start: () => logic };
}

/**
 * Puts the core under the chart. Supervised children are no children of the machine, so it is here that they are kept from
 * outliving it: whatever the machine becomes, when it is no longer active its table is killed.
 */
function supervisorLogic(options: ResolvedSupervisorOptions): SupervisorLogic {
  const own: Pick<SupervisorLogic, "getInitialSnapshot" | "start" | "transition"> = {
    getInitialSnapshot(scope, surroundings) {
      const core = new SupervisorCore(scope as AnyActorScope, options, surroundings);
      identify(scope.self, core);
      return lifecycle.getInitialSnapshot(scope, { core });
    },
    start: ({ context }) => context.core.boot(),
    transition(snapshot, event, scope) {
      const { core } = snapshot.context;
      const next = receive(core, snapshot, event, scope);
      if (next.status !== "active") core.killAll();
      return next;
    },
  };
  return identifyLogic(Object.assign(Object.create(lifecycle) as typeof lifecycle, own) as SupervisorLogic);
}

function receive(
  core: SupervisorCore,
  snapshot: SupervisorSnapshot,
  event: AnyEventObject,
  scope: Parameters<SupervisorLogic["transition"]>[2],
): SupervisorSnapshot {
  const { type } = event;
  if (type === "otp.shutdown") core.shutdown();
  else if (isCall(event)) core.call(event);
  else if (type.startsWith("xstate.done.actor."))
    core.childEnded(event["actorId"] as string, { output: event["output"] });
  else if (type.startsWith("xstate.error.actor."))
    core.childEnded(event["actorId"] as string, { error: event["error"] });
  else if (type === "otp.phase" && core.phase === "stopped" && isErrorExit(core.reason))
    throw core.reason.error;
  else if (type === "otp.phase" || type === "xstate.stop")
    return lifecycle.transition(snapshot, event, scope);
  else core.unexpected(type);
  return snapshot;
}
