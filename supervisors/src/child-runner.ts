import { createActor, type AnyActor, type AnyActorRef, type AnyActorScope } from "xstate";
import { ChildTable, type Child } from "./child.ts";
import { logicOf, type StartScope } from "./child-spec.ts";
import { startFailure } from "./errors.ts";
import { exitReasonOf, isErrorExit, isNormalExit, type ExitReason } from "./exit-reason.ts";
import { shutdownEvent } from "./protocol.ts";
import { nameTaken } from "./registry.ts";
import type { SupervisorReport } from "./report.ts";
import { sendThrough } from "./send-through.ts";
import { coreOf, isSupervisorLogic } from "./supervisor-identity.ts";
import type { Surroundings } from "./surroundings.ts";
import { trapsExit } from "./traps-exit.ts";

/** Work that may have to wait: it yields until something happened, then looks again. */
export type Task<T = void> = Generator<void, T, void>;

export type StartOutcome =
  | { readonly as: "started"; readonly ref: AnyActorRef }
  | { readonly as: "ignored" }
  | { readonly as: "failed"; readonly reason: ExitReason };

/** How the runner tells its supervisor what happened. */
export interface RunnerHooks {
  /** A running child ended; what follows is the supervisor's to decide, in its turn. */
  readonly exited: (child: Child) => void;
  /** Something happened that a waiting task may have waited for. */
  readonly wake: () => void;
}

/** Starts and stops the children of one supervisor: actors, timers, names. It decides nothing. */
export class ChildRunner {
  readonly table = new ChildTable();
  readonly #scope: AnyActorScope;
  readonly #around: Surroundings;
  readonly #hooks: RunnerHooks;
  /** Whether the specification of a child that was laid down may be of use again. */
  readonly #keepsSpecs: boolean;
  #closed = false;
  #incarnations = 0;
  /** Children that were asked to stop and have not ended. */
  #stopping = 0;

  constructor(scope: AnyActorScope, around: Surroundings, hooks: RunnerHooks, keepsSpecs: boolean) {
    this.#scope = scope;
    this.#around = around;
    this.#hooks = hooks;
    this.#keepsSpecs = keepsSpecs;
  }

  /** Starts a new incarnation, and waits for it where its specification says so. */
  *start(child: Child): Task<StartOutcome> {
    // Its supervisor may have been killed in the middle of a task that had nothing to wait for.
    if (this.#closed) return { as: "failed", reason: "killed" };
    child.generation += 1;
    child.status = "starting";
    child.ready = false;
    let actor: AnyActor | undefined;
    try {
      actor = this.#create(child);
    } catch (error) {
      return this.#startFailed(child, { error });
    }
    if (actor === undefined) {
      child.status = "stopped";
      return { as: "ignored" };
    }
    actor.start();
    // XState's word of it may still wait in the mailbox of a supervisor that is being started itself.
    const { status, error, output } = actor.getSnapshot();
    if (status === "error") this.ended(child, actor, { error });
    else if (status === "done") this.ended(child, actor, exitReasonOf(output, "normal"));

    const { startTimeoutMs } = child.spec;
    const awaited = startTimeoutMs !== undefined || child.inner !== undefined;
    if (startTimeoutMs !== undefined && isPending(child))
      child.timer = this.#around.clock.setTimeout(() => this.#startTimedOut(child, actor), startTimeoutMs);
    while (awaited && isPending(child)) yield;

    // It may be gone already. Before it was ready, it failed to start; after, that is an exit like any other.
    if (child.exit !== undefined && (awaited ? !child.ready : isErrorExit(child.exit)))
      return this.#startFailed(child, child.exit);
    child.timer?.cancel();
    child.timer = undefined;
    if (child.exit === undefined) child.status = "running";
    else this.#hooks.exited(child);
    if (child.spec.restart === "temporary") child.args = [];
    const { path } = this.#around;
    this.report({ report: "started", path, child: child.id, generation: child.generation });
    return { as: "started", ref: actor };
  }

  /** Stops a child the way its specification says, waits for its end, and lays it down. */
  *stop(child: Child): Task {
    this.#beginStop(child);
    const { actor, spec } = child;
    if (child.status === "stopping" && typeof spec.shutdown === "number" && child.timer === undefined)
      child.timer = this.#around.clock.setTimeout(() => this.kill(child, actor!), spec.shutdown);
    while (child.status === "stopping") yield;
    this.layDown(child);
  }

  /** Stops all children at the same time. They share one timer, so a million take as long as one. */
  *stopTogether(): Task {
    let longestMs = 0;
    for (const child of this.table) {
      this.#beginStop(child);
      const { status, spec } = child;
      if (status === "stopping" && typeof spec.shutdown === "number")
        longestMs = Math.max(longestMs, spec.shutdown);
    }
    const killThem = (): void => {
      for (const child of this.table)
        if (child.status === "stopping" && child.spec.shutdown !== "infinity") this.kill(child, child.actor!);
    };
    const timer = this.#stopping > 0 ? this.#around.clock.setTimeout(killThem, longestMs) : undefined;
    while (this.#stopping > 0) yield;
    timer?.cancel();
    for (const child of this.table) this.layDown(child);
  }

  /** The child has no process: its specification stays, unless nobody could start it again. */
  layDown(child: Child): void {
    if (child.status === "exited") this.#reportStop(child);
    child.timer?.cancel();
    child.timer = undefined;
    child.exit = undefined;
    child.status = "stopped";
    if (child.spec.restart === "temporary" || !this.#keepsSpecs) this.table.delete(child);
  }

  /** Ends an incarnation without asking it, as `exit(Pid, kill)` does. */
  kill(child: Child, actor: AnyActor): void {
    if (child.actor !== actor) return;
    this.#scope.stopChild(actor);
    this.ended(child, actor, "killed");
    this.#hooks.wake();
  }

  /** Kills all children, in reverse order, and starts none any more. */
  killAll(): void {
    this.#closed = true;
    for (const child of this.table.all().toReversed()) {
      if (child.actor !== undefined) this.kill(child, child.actor);
      child.timer?.cancel();
    }
  }

  /** Notes the end of an incarnation. Nothing of it is listened to from here on. */
  ended(child: Child, actor: AnyActor, reason: ExitReason): void {
    if (child.actor !== actor) return;
    this.table.unlink(child, actor);
    if (child.spec.name !== undefined) this.#around.registry.unregister(child.spec.name, actor);
    if (child.status === "stopping") this.#stopping -= 1;
    const unasked = child.status === "running";
    child.timer?.cancel();
    child.timer = undefined;
    child.exit = reason;
    child.status = "exited";
    if (unasked) this.#hooks.exited(child);
  }

  report(report: SupervisorReport): void {
    try {
      this.#around.report(report);
    } catch {
      // A supervisor does not depend on its log.
    }
  }

  #create(child: Child): AnyActor | undefined {
    const { generation, id, spec } = child;
    const { registry, clock, report, queue } = this.#around;
    if (spec.name !== undefined && registry.whereis(spec.name) !== undefined) throw nameTaken(spec.name);
    const path = [...this.#around.path, id];
    const ready = this.#readiness(child, generation);
    const scope: StartScope = { id, path, generation, registry, clock, ready };
    const started = spec.start(scope, ...child.args);
    if (started === "ignore") return undefined;
    const { logic, input } = logicOf(started);
    this.#incarnations += 1;
    const surroundings: Surroundings = { path, registry, clock, report, queue, ready };
    const actor = createActor(logic, {
      parent: this.#scope.self,
      id: `${id}#${this.#incarnations}`,
      src: id,
      input: isSupervisorLogic(logic) ? surroundings : input,
    });
    const snapshot = actor.getSnapshot();
    if (snapshot.status === "error") throw snapshot.error;
    if (spec.name !== undefined) registry.register(spec.name, actor);
    child.trapsExit = trapsExit(logic);
    child.inner = coreOf(actor);
    this.table.link(child, actor);
    this.#address(child, actor);
    return actor;
  }

  // Two closures live as long as an incarnation. Each is made where it captures no more than it needs, or every child would
  // keep all that its start knew.

  #readiness(child: Child, generation: number): () => void {
    return () => {
      if (child.generation !== generation || child.status !== "starting") return;
      child.ready = true;
      this.#hooks.wake();
    };
  }

  #address(child: Child, actor: AnyActor): void {
    child.signal = sendThrough(this.#around.queue, actor, {
      alive: () => child.actor === actor,
      kill: () => this.kill(child, actor),
    });
  }

  #beginStop(child: Child): void {
    const { actor } = child;
    if (actor === undefined || child.status === "stopping") return;
    child.timer?.cancel();
    child.timer = undefined;
    child.status = "stopping";
    this.#stopping += 1;
    if (child.spec.shutdown === "brutal_kill") return this.kill(child, actor);
    if (child.trapsExit) return child.signal(shutdownEvent);
    this.#scope.stopChild(actor);
    this.ended(child, actor, "shutdown");
  }

  #startTimedOut(child: Child, actor: AnyActor): void {
    if (child.actor !== actor || child.status !== "starting") return;
    const silent = `it was not ready within ${child.spec.startTimeoutMs} ms`;
    this.ended(child, actor, { error: startFailure(this.#around.path, child.id, silent) });
    this.#scope.stopChild(actor);
    this.#hooks.wake();
  }

  #startFailed(child: Child, reason: ExitReason): StartOutcome {
    const { generation, id } = child;
    child.exit = undefined;
    child.status = "stopped";
    this.report({ report: "start_error", path: this.#around.path, child: id, generation, reason });
    return { as: "failed", reason };
  }

  /** A child that did not end the way it was asked to. */
  #reportStop({ id, generation, exit: reason, spec }: Child): void {
    const expected =
      reason === undefined ||
      (spec.shutdown === "brutal_kill" ? reason === "killed" : reason === "shutdown") ||
      (spec.restart !== "permanent" && isNormalExit(reason));
    if (expected) return;
    this.report({ report: "shutdown_error", path: this.#around.path, child: id, generation, reason });
  }
}

function isPending(child: Child): boolean {
  return child.status === "starting" && !child.ready;
}
