import type { Timer } from "@dspex/core";
import type { ResolvedChildSpec } from "./child-spec.ts";
import type { ExitReason } from "./exit-reason.ts";
import type { Incarnation } from "./incarnation.ts";
import { LastSnapshot } from "./last-snapshot.ts";
import type { ChildView, TableView } from "./strategy.ts";
import type { SupervisorCore } from "./supervisor-core.ts";

/**
 * Where a child stands. `exited`: it is gone, and what follows from that is still to be decided. `restarting`: its restart
 * failed, and another attempt is due.
 */
export type ChildStatus = "stopped" | "starting" | "running" | "stopping" | "exited" | "restarting";

const noArguments: readonly unknown[] = [];

/** A child of a supervisor, over all its incarnations. */
export class Child implements ChildView {
  readonly supervisor: SupervisorCore;
  readonly id: string;
  /** Shared by all instances of a template. */
  readonly spec: ResolvedChildSpec;
  /** What its start is called with, for its restarts. A temporary child has none and keeps nothing. */
  args: readonly unknown[];
  status: ChildStatus = "stopped";
  /** Its starts so far, failed ones included. */
  generation = 0;
  /** The living one. */
  incarnation: Incarnation | undefined;
  /** The generation of the last one that lived and ended. */
  lastLife = 0;
  /** How the last incarnation ended; only while `exited`. */
  exit: ExitReason | undefined;
  /** The start, kill or retry timer: there is never more than one. */
  timer: Timer | undefined;
  /** What a restart resumes from, where its specification asks for that. */
  readonly lastSnapshot: LastSnapshot | undefined;

  constructor(
    supervisor: SupervisorCore,
    id: string,
    spec: ResolvedChildSpec,
    args: readonly unknown[] = noArguments,
  ) {
    this.supervisor = supervisor;
    this.id = id;
    this.spec = spec;
    this.args = args.length === 0 ? noArguments : args;
    if (spec.on_restart === "resume") this.lastSnapshot = new LastSnapshot(spec.max_resumes);
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

  get path(): readonly string[] {
    return [...this.supervisor.around.path, this.id];
  }
}

/** The children of a supervisor in start order. A child keeps its place over its restarts. */
export class ChildTable implements TableView<Child> {
  readonly #children = new Map<string, Child>();
  #incarnations = 0;

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

  /**
   * A fresh XState id for the next incarnation of a child. XState says of an end only this id, so a late word of an earlier
   * incarnation must not carry the id of a living one.
   */
  freshActorId(child: Child): string {
    this.#incarnations += 1;
    return child.id.concat(`#${this.#incarnations}`);
  }

  /** The living incarnation that has this XState id. */
  incarnation(actorId: string): Incarnation | undefined {
    const living = this.get(actorId.slice(0, actorId.lastIndexOf("#")))?.incarnation;
    return living?.actor.id === actorId ? living : undefined;
  }
}
