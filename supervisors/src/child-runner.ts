import type { Timer } from "@dspex/core";
import {
  createActor,
  type ActorOptions,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyActorScope,
} from "xstate";
import { inScopeOf, tell } from "./async-failures.ts";
import { ChildTable, type Child } from "./child.ts";
import { logicOf } from "./child-spec.ts";
import { overflowOr, startFailure } from "./errors.ts";
import { exitReasonOf, isErrorExit, isNormalExit, type ExitReason } from "./exit-reason.ts";
import { Incarnation } from "./incarnation.ts";
import type { LifeCycleEvent } from "./life-cycle.ts";
import { shutdownEvent } from "./protocol.ts";
import { nameTaken } from "./registry.ts";
import { relay } from "./relay.ts";
import type { ChildReport } from "./report.ts";
import { Start } from "./start-scope.ts";
import { coreOf, isSupervisorLogic } from "./supervisor-identity.ts";
import type { ResolvedSupervisorOptions } from "./supervisor-options.ts";
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
  readonly #options: ResolvedSupervisorOptions;
  #closed = false;
  /** Children that were asked to stop and have not ended. */
  #stopping = 0;
  /** Until when they have time, where all were asked together: one for each `shutdown`. */
  readonly #commonTimers = new Map<number, Timer>();

  constructor(
    scope: AnyActorScope,
    options: ResolvedSupervisorOptions,
    around: Surroundings,
    hooks: RunnerHooks,
  ) {
    this.#scope = scope;
    this.#options = options;
    this.#around = around;
    this.#hooks = hooks;
  }

  /** Starts a new incarnation, and waits for it where its specification says so. */
  *start(child: Child): Task<StartOutcome> {
    // Its supervisor may have been killed in the middle of a task that had nothing to wait for.
    if (this.#closed) return { as: "failed", reason: "killed" };
    child.generation += 1;
    child.status = "starting";
    const incarnation = new Incarnation(child);
    let created: boolean;
    try {
      created = inScopeOf(incarnation, () => this.#create(incarnation));
    } catch (error) {
      this.end(incarnation, { error });
      return this.#startFailed(child, { error });
    }
    if (!created) {
      child.status = "stopped";
      return { as: "ignored" };
    }
    const { actor } = incarnation;
    inScopeOf(incarnation, () => actor.start());
    this.#tell("started", incarnation);
    // XState's word of it may still wait in the mailbox of a supervisor that is being started itself.
    const { status, error, output } = actor.getSnapshot();
    if (status === "error") this.ended(incarnation, { error });
    else if (status === "done") this.ended(incarnation, exitReasonOf(output, "normal"));

    const { startTimeoutMs } = child.spec;
    const awaited = startTimeoutMs !== undefined || incarnation.inner !== undefined;
    if (awaited) {
      const pending = (): boolean => child.status === "starting" && !incarnation.ready;
      if (startTimeoutMs !== undefined && pending())
        child.timer = this.#around.clock.setTimeout(() => this.#startTimedOut(incarnation), startTimeoutMs);
      while (pending()) yield;
    }

    // It may be gone already. Before it was ready, it failed to start; after, that is an exit like any other.
    if (child.exit !== undefined && (awaited ? !incarnation.ready : isErrorExit(child.exit)))
      return this.#startFailed(child, child.exit);
    child.timer?.cancel();
    child.timer = undefined;
    if (child.exit === undefined) child.status = "running";
    else this.#hooks.exited(child);
    if (child.spec.restart === "temporary") child.args = [];
    // Without a spread, which is slow: this happens at every start.
    const { path, report } = this.#around;
    tell(report, { report: "started", path, child: child.id, generation: child.generation });
    return { as: "started", ref: actor };
  }

  /** Stops a child the way its specification says, waits for its end, and lays it down. */
  *stop(child: Child): Task {
    this.#beginStop(child);
    const { incarnation, spec } = child;
    if (child.status === "stopping" && typeof spec.shutdown === "number" && child.timer === undefined)
      child.timer = this.#around.clock.setTimeout(() => this.end(incarnation!, "killed"), spec.shutdown);
    while (child.status === "stopping") yield;
    this.layDown(child);
  }

  /** Stops all children at the same time. Those with the same `shutdown` share a timer, so a million take as long as one. */
  *stopTogether(): Task {
    for (const child of this.table) this.#beginStop(child);
    for (const { status, spec } of this.table) {
      const { shutdown } = spec;
      if (status !== "stopping" || typeof shutdown !== "number" || this.#commonTimers.has(shutdown)) continue;
      this.#commonTimers.set(
        shutdown,
        this.#around.clock.setTimeout(() => this.#killLate(shutdown), shutdown),
      );
    }
    while (this.#stopping > 0) yield;
    this.#cancelCommonTimers();
    for (const child of this.table) this.layDown(child);
  }

  /** The child has no process: its specification stays, unless nobody could start it again. */
  layDown(child: Child): void {
    if (child.status === "exited") this.#reportStop(child);
    child.timer?.cancel();
    child.timer = undefined;
    child.exit = undefined;
    child.status = "stopped";
    // Only a static supervisor can be asked to start it again.
    if (child.spec.restart === "temporary" || this.#options.kind !== "static") this.table.delete(child);
  }

  /** Ends an incarnation without asking it: `killed` is what `exit(Pid, kill)` does. */
  end(incarnation: Incarnation, reason: ExitReason): void {
    if (!incarnation.alive) return;
    // In this order: to some logics, being stopped is a message that changes their state.
    this.ended(incarnation, reason);
    this.#scope.stopChild(incarnation.actor);
    this.#hooks.wake();
  }

  /** Finds the children whose end XState could not tell, because the stack overflowed meanwhile. */
  findLost(): void {
    for (const { id, incarnation } of this.table) {
      if (incarnation === undefined) continue;
      const { status, error } = incarnation.actor.getSnapshot();
      if (status === "error") this.ended(incarnation, { error: overflowOr(error, id) });
    }
    this.#hooks.wake();
  }

  /** Kills all children, in reverse order, and starts none any more. */
  killAll(): void {
    this.#closed = true;
    this.#cancelCommonTimers();
    for (const child of this.table.all().toReversed()) {
      if (child.incarnation !== undefined) this.end(child.incarnation, "killed");
      child.timer?.cancel();
    }
  }

  /** Notes the end of an incarnation. Nothing of it is listened to from here on. */
  ended(incarnation: Incarnation, reason: ExitReason): void {
    if (!incarnation.alive) return;
    const { child, actor } = incarnation;
    const { clock, registry } = this.#around;
    child.incarnation = undefined;
    child.lastLife = incarnation.generation;
    incarnation.cancelTimers();
    registry.forget(actor);
    if (child.status === "stopping") this.#stopping -= 1;
    const unasked = child.status === "running";
    child.timer?.cancel();
    child.timer = undefined;
    child.exit = reason;
    child.status = "exited";
    if (unasked) {
      const livedMs = clock.now() - incarnation.startedAtMs;
      child.lastSnapshot?.keep({ actor, reason, livedMs }, this.#options.periodMs);
      this.#hooks.exited(child);
    }
    this.#tell("ended", incarnation, reason);
  }

  report(child: { readonly id: string; readonly generation: number }, what: ChildReport): void {
    const { path, report } = this.#around;
    tell(report, { path, child: child.id, generation: child.generation, ...what });
  }

  /** Makes the actor of an incarnation and gives it its names. @returns false when its start said `ignore` */
  #create(incarnation: Incarnation): boolean {
    const { child } = incarnation;
    const { spec } = child;
    const { registry } = this.#around;
    if (spec.name !== undefined && registry.whereis(spec.name) !== undefined) throw nameTaken(spec.name);
    const started = spec.start(new Start(incarnation, registry), ...child.args);
    if (started === "ignore") return false;
    const { logic, input } = logicOf(started);
    const actor = createActor(logic, this.#actorOptions(incarnation, logic, input));
    const { status, error } = actor.getSnapshot();
    if (status === "error") throw error;
    incarnation.open(actor);
    incarnation.trapsExit = trapsExit(logic);
    incarnation.inner = coreOf(actor);
    child.incarnation = incarnation;
    if (status !== "active") return true;
    if (spec.name !== undefined) registry.register(spec.name, actor);
    for (const group of spec.groups) registry.join(group, actor);
    return true;
  }

  /** XState copies every option on its own, at more than a microsecond each: none is given that says nothing. */
  #actorOptions(incarnation: Incarnation, logic: AnyActorLogic, input: unknown): ActorOptions<AnyActorLogic> {
    const { child } = incarnation;
    const options: { -readonly [K in keyof ActorOptions<AnyActorLogic>]: ActorOptions<AnyActorLogic>[K] } = {
      parent: this.#scope.self,
      id: this.table.freshActorId(child),
    };
    if (isSupervisorLogic(logic)) options.input = this.#surroundingsOf(incarnation);
    else if (input !== undefined) options.input = input;
    const snapshot = child.lastSnapshot?.next();
    if (snapshot !== undefined) options.snapshot = snapshot;
    return options;
  }

  #surroundingsOf(incarnation: Incarnation): Surroundings {
    return { ...this.#around, path: incarnation.child.path, ready: () => incarnation.announceReady() };
  }

  #beginStop(child: Child): void {
    const { incarnation } = child;
    if (incarnation === undefined || child.status === "stopping") return;
    child.timer?.cancel();
    child.timer = undefined;
    child.status = "stopping";
    this.#stopping += 1;
    if (child.spec.shutdown === "brutal_kill") return this.end(incarnation, "killed");
    // Past the run queue: what a supervisor says goes before any message.
    if (incarnation.trapsExit) return relay(this.#scope.self, incarnation.actor, shutdownEvent);
    this.#scope.stopChild(incarnation.actor);
    this.ended(incarnation, "shutdown");
  }

  #tell(
    event: LifeCycleEvent["event"],
    { actor, child, generation }: Incarnation,
    reason?: ExitReason,
  ): void {
    const { lifeCycle, clock } = this.#around;
    if (!lifeCycle.hasReaders) return;
    const { path, spec } = child;
    const { type } = spec;
    lifeCycle.add({ event, path, type, incarnation: generation, ref: actor, atMs: clock.now(), reason });
  }

  #killLate(shutdown: number): void {
    for (const { status, spec, incarnation } of this.table)
      if (status === "stopping" && spec.shutdown === shutdown) this.end(incarnation!, "killed");
  }

  #cancelCommonTimers(): void {
    for (const timer of this.#commonTimers.values()) timer.cancel();
  }

  #startTimedOut(incarnation: Incarnation): void {
    const { child } = incarnation;
    if (!incarnation.alive || child.status !== "starting") return;
    const silent = `it was not ready within ${child.spec.startTimeoutMs} ms`;
    this.end(incarnation, { error: startFailure(this.#around.path, child.id, silent) });
  }

  #startFailed(child: Child, reason: ExitReason): StartOutcome {
    child.exit = undefined;
    child.status = "stopped";
    this.report(child, { report: "start_error", reason });
    return { as: "failed", reason };
  }

  /** A child that did not end the way it was asked to. */
  #reportStop(child: Child): void {
    const { exit: reason, spec } = child;
    const expected =
      reason === undefined ||
      (spec.shutdown === "brutal_kill" ? reason === "killed" : reason === "shutdown") ||
      (spec.restart !== "permanent" && isNormalExit(reason));
    if (!expected) this.report(child, { report: "shutdown_error", reason });
  }
}
