import { DspexError } from "@dspex/core";
import type { AnyActorRef } from "xstate";

/** Names of actors. The replacement of a named child takes its name over, so a name outlives its actors. */
export interface Registry {
  /** The live actor of this name; `undefined` when there is none at this moment. */
  whereis(name: string): AnyActorRef | undefined;
  /**
   * Gives `ref` a name.
   *
   * @throws DspexError `ERR_NAME_TAKEN`.
   */
  register(name: string, ref: AnyActorRef): void;
  /** Takes the name away, if it is `ref` that has it. */
  unregister(name: string, ref: AnyActorRef): void;
}

export function createRegistry(): Registry {
  const refs = new Map<string, AnyActorRef>();
  return {
    whereis: (name) => refs.get(name),
    register(name, ref) {
      if (refs.has(name)) throw nameTaken(name);
      refs.set(name, ref);
    },
    unregister(name, ref) {
      if (refs.get(name) === ref) refs.delete(name);
    },
  };
}

export function nameTaken(name: string): DspexError<"ERR_NAME_TAKEN"> {
  return new DspexError("ERR_NAME_TAKEN", `The name "${name}" belongs to another live actor.`, {
    details: { name },
  });
}
