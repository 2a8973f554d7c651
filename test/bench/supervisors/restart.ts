import { deferred, type Deferred } from "@dspex/core";
import { server, type ChildSpec } from "@dspex/supervisors";
import type { AnyActorRef } from "xstate";

/** Restarts as many as a benchmark wants: those of the last 100 ms are remembered, and there is no reaching the limit. */
export const manyRestarts = { intensity: 1_000_000, periodMs: 100 } as const;

/** A permanent child that crashes on request. */
export interface Victim {
  readonly spec: ChildSpec;
  /** Crashes it and waits until its replacement is up. */
  crash(): Promise<void>;
}

export function createVictim(): Victim {
  let ref: AnyActorRef;
  let up: Deferred<void> | undefined;
  const logic = server({
    init({ self }) {
      ref = self;
      up?.resolve();
      return 0;
    },
    receive() {
      throw new Error("crash");
    },
  });
  return {
    spec: { id: "victim", start: () => logic },
    crash() {
      up = deferred();
      ref.send({ type: "crash" });
      return up.promise;
    },
  };
}
