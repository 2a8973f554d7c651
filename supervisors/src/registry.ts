import { DspexError } from "@dspex/core";
import type { AnyActorRef } from "xstate";
import { isAlive, noProcess } from "./alive.ts";

/**
 * Names and groups of actors. An actor that ends has neither any more; the replacement of a supervised child takes over what
 * its specification names, so a name outlives its actors.
 */
export interface Registry {
  /** The live actor of this name; `undefined` when there is none at this moment. */
  whereis(name: string): AnyActorRef | undefined;
  /**
   * Gives `ref` a name. An actor may have several.
   *
   * @throws DspexError `ERR_NAME_TAKEN` when another live actor has it; `ERR_NO_PROCESS` when `ref` is not alive.
   */
  register(name: string, ref: AnyActorRef): void;
  /** Takes the name away, if it is `ref` that has it. */
  unregister(name: string, ref: AnyActorRef): void;
  /**
   * Makes `ref` a member of a group (OTP's `pg`). Joining twice is joining once.
   *
   * @throws DspexError `ERR_NO_PROCESS` when `ref` is not alive.
   */
  join(group: string, ref: AnyActorRef): void;
  leave(group: string, ref: AnyActorRef): void;
  /** The live members of a group, in the order in which they joined. */
  members(group: string): readonly AnyActorRef[];
  /** Takes all names and memberships of `ref` away. Supervisors do this for every child that ends. */
  forget(ref: AnyActorRef): void;
}

export function createRegistry(): Registry {
  return new Directory();
}

class Directory implements Registry {
  readonly #names = new Map<string, AnyActorRef>();
  readonly #groups = new Map<string, Set<AnyActorRef>>();
  /** What has to be taken away from an actor that ends. */
  readonly #held = new Map<AnyActorRef, { readonly names: Set<string>; readonly groups: Set<string> }>();

  whereis(name: string): AnyActorRef | undefined {
    const ref = this.#names.get(name);
    return ref !== undefined && isAlive(ref) ? ref : undefined;
  }

  register(name: string, ref: AnyActorRef): void {
    if (!isAlive(ref)) throw noProcess(ref);
    const present = this.#names.get(name);
    if (present === ref) return;
    if (present !== undefined && isAlive(present)) throw nameTaken(name);
    if (present !== undefined) this.unregister(name, present);
    this.#names.set(name, ref);
    this.#holdings(ref).names.add(name);
  }

  unregister(name: string, ref: AnyActorRef): void {
    if (this.#names.get(name) !== ref) return;
    this.#names.delete(name);
    this.#held.get(ref)?.names.delete(name);
    this.#tidy(ref);
  }

  join(group: string, ref: AnyActorRef): void {
    if (!isAlive(ref)) throw noProcess(ref);
    const members = this.#groups.get(group) ?? new Set();
    this.#groups.set(group, members.add(ref));
    this.#holdings(ref).groups.add(group);
  }

  leave(group: string, ref: AnyActorRef): void {
    const members = this.#groups.get(group);
    if (members?.delete(ref) !== true) return;
    if (members.size === 0) this.#groups.delete(group);
    this.#held.get(ref)?.groups.delete(group);
    this.#tidy(ref);
  }

  members(group: string): readonly AnyActorRef[] {
    return [...(this.#groups.get(group) ?? [])].filter(isAlive);
  }

  forget(ref: AnyActorRef): void {
    const held = this.#held.get(ref);
    if (held === undefined) return;
    for (const name of held.names) this.unregister(name, ref);
    for (const group of held.groups) this.leave(group, ref);
  }

  #holdings(ref: AnyActorRef): { readonly names: Set<string>; readonly groups: Set<string> } {
    const held = this.#held.get(ref) ?? { names: new Set(), groups: new Set() };
    this.#held.set(ref, held);
    return held;
  }

  #tidy(ref: AnyActorRef): void {
    const held = this.#held.get(ref);
    if (held !== undefined && held.names.size + held.groups.size === 0) this.#held.delete(ref);
  }
}

export function nameTaken(name: string): DspexError<"ERR_NAME_TAKEN"> {
  return new DspexError("ERR_NAME_TAKEN", `The name "${name}" belongs to another live actor.`, {
    details: { name },
  });
}
