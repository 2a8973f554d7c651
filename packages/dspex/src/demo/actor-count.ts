import type { TelemetryBus } from "@dspex/telemetry";
import type { InspectionEvent } from "xstate";

/** Counts the actors of a run twice: as its supervisors report them, and as the XState inspector sees them. */
export interface ActorCount {
  readonly lived: number;
  readonly inspected: number;
  /** For `startRuntime({ inspect })`. */
  readonly inspect: (event: InspectionEvent) => void;
  /** For `startRuntime({ subscribe })`. */
  readonly subscribe: (telemetry: TelemetryBus) => void;
}

export function countActors(): ActorCount {
  const inspected = new Set<string>();
  // Nobody reports the root: it has no supervisor.
  let lived = 1;
  return {
    get lived() {
      return lived;
    },
    get inspected() {
      return inspected.size;
    },
    inspect(event) {
      if (event.type === "@xstate.actor") inspected.add(event.actorRef.sessionId);
    },
    subscribe(telemetry) {
      telemetry.on("supervisor.report", ({ fields }) => {
        if (fields.report === "started") lived += 1;
      });
    },
  };
}
