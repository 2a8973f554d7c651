import type { Timer } from "@dspex/core";
import type { AnyActor, AnyActorRef, EventObject } from "xstate";
import type { ResolvedChildSpec } from "./child-spec.ts";
import type { ExitReason } from "./exit-reason.ts";
import type { ChildView, TableView } from "./strategy.ts";
import type { SupervisorCore } from "./supervisor-core.ts";

/**
 * Where a child stands. `exited`: it is gone, and what follows from that is still to be decided. `restarting`: its restart
 * failed, and another attempt is due.
 */
export type ChildStatus = "stopped" | "starting" | "running" | "stopping" | "exited" | "restarting";

const none: readonly unknown[] = [];

/** A child of a supervisor, over all its incarnations. */
export class Child implements ChildView {
  readonly supervisor: SupervisorCore;
  readonly id: string;
  /** Shared by all instances of a template. */
  readonly spec: ResolvedChildSpec;
  /** What its start is called with, for its restarts. A temporary child has none and keeps nothing. */
  args: readonly unknown[];
  status: ChildStatus = "stopped";
  generation = 0;
  actor: AnyActor | undefined;
  /** Sends to the running incarnation past the run queue: what a supervisor says goes before any message. */
  signal: (event: EventObject) => void = () => {};
  /** Whether the running incarnation answers `otp.shutdown`. */
  trapsExit = false;
  /** The child supervisor's inside, for the tree. */
  inner: SupervisorCore | undefined;
  /** This incarnation announced that it is initialised. */
  ready = false;
  /** How the last incarnation ended; only while `exited`. */
  exit: ExitReason | undefined;
  /** The start, kill or retry timer: there is never more than one. */
  timer: Timer | undefined;

  constructor(
    supervisor: SupervisorCore,
    id: string,
    spec: ResolvedChildSpec,
    args: readonly unknown[] = none,
  ) {
    this.supervisor = supervisor;
    this.id = id;
    this.spec = spec;
    this.args = args;
  }

  get restart(): ResolvedChildSpec["restart"] {
    return this.spec.restart;
  }

  get significant(): boolean {
    return this.spec.significant;
  }

  get state(): ChildView["state"] {
    return this.status === "stopped" || this.status === "restarting" ? this.status : "running";
  }
}

/** The children of a supervisor in start order. A child keeps its place over its restarts. */
export class ChildTable implements TableView<Child> {
  readonly #children = new Map<string, Child>();
  /** By the XState id of the living incarnation, which is fresh for each: a late word of an earlier one finds nobody. */
  readonly #incarnations = new Map<string, Child>();

  get size(): number {
    return this.#children.size;
  }

  get(id: string): Child | undefined {
    return this.#children.get(id);
  }

  add(child: Child): void {
    this.#children.set(child.id, child);
  }

  delete(child: Child): void {
    this.#children.delete(child.id);
  }

  all(): readonly Child[] {
    return [...this.#children.values()];
  }

  from(child: Child): readonly Child[] {
    const all = this.all();
    return all.slice(all.indexOf(child));
  }

  [Symbol.iterator](): IterableIterator<Child> {
    return this.#children.values();
  }

  incarnation(actorId: string): Child | undefined {
    return this.#incarnations.get(actorId);
  }

  link(child: Child, actor: AnyActor): void {
    child.actor = actor;
    this.#incarnations.set(actor.id, child);
    (actor as Owned)[owner] = child;
  }

  unlink(child: Child, actor: AnyActor): void {
    child.actor = undefined;
    child.inner = undefined;
    this.#incarnations.delete(actor.id);
  }
}

const owner = Symbol("dspex.supervised");

interface Owned {
  [owner]?: Child;
}

/** The child that this actor is, or was, an incarnation of; `undefined` for an actor that no supervisor started. */
export function childOf(ref: AnyActorRef): Child | undefined {
  return (ref as Owned)[owner];
}
