import { DspexError, messageOf, systemClock, type Clock } from "@dspex/core";
import { createActor, type AnyActor, type AnyActorRef, type AnyActorScope } from "xstate";
import { noProcess } from "./ask.ts";
import { Child, ChildTable } from "./child.ts";
import { logicOf, type StartScope } from "./child-spec.ts";
import { decideExit, decideRestart } from "./decide.ts";
import { exitReasonOf, isErrorExit, isNormalExit, type ExitReason } from "./exit-reason.ts";
import { Fifo } from "./fifo.ts";
import { shutdownEvent } from "./protocol.ts";
import { createRegistry, nameTaken, type Registry } from "./registry.ts";
import type { ReportSink, SupervisorReport } from "./report.ts";
import type { Decision } from "./strategy.ts";
import { answerCall, type Call } from "./supervisor-calls.ts";
import { coreOf, isSupervisorLogic } from "./supervisor-identity.ts";
import type { ResolvedSupervisorOptions } from "./supervisor-options.ts";
import { trapsExit } from "./traps-exit.ts";

/** What a supervisor is given by whoever starts it: its parent supervisor, or the application. */
export interface Surroundings {
  readonly path: readonly string[];
  readonly registry: Registry;
  readonly clock: Clock;
  readonly report: ReportSink;
  /** The static tree is up. */
  readonly ready: () => void;
}

/** The life-cycle states, which the statechart of every supervisor draws. */
export type Phase = "starting" | "running" | "restarting" | "stopping" | "stopped";

/** Work that may have to wait: it yields until something happened, then looks again. */
export type Task<T = void> = Generator<void, T, void>;

export type StartOutcome =
  | { readonly as: "started"; readonly ref: AnyActorRef }
  | { readonly as: "ignored" }
  | { readonly as: "failed"; readonly reason: ExitReason };

type Message =
  | { readonly type: "exit" | "retry"; readonly child: Child; readonly generation: number }
  | { readonly type: "call"; readonly call: Call };

/**
 * The inside of a supervisor: its children, its mailbox, and the one executor of what the pure decisions ask for.
 *
 * Like an OTP supervisor it does one thing at a time. Exits and calls that arrive meanwhile wait in its mailbox in order;
 * only a request to shut down does not wait. A task that must wait for a child yields, and is resumed when a child ended, a
 * child is ready or a timer fired; as long as nothing must be waited for, everything happens at once.
 */
export class SupervisorCore {
  readonly options: ResolvedSupervisorOptions;
  readonly path: readonly string[];
  readonly registry: Registry;
  readonly clock: Clock;
  readonly table = new ChildTable();
  phase: Phase = "starting";
  /** Set when it stopped. */
  reason: ExitReason = "normal";
  readonly #report: ReportSink;
  readonly #announceReady: () => void;
  readonly #scope: AnyActorScope;
  readonly #mailbox = new Fifo<Message>();
  #task: Task | undefined;
  #working = false;
  #terminating = false;
  #shutdownAsked = false;
  #restarts: readonly number[] = [];
  #incarnations = 0;
  #instances = 0;
  /** Children that were asked to stop and have not ended. */
  #stopping = 0;

  constructor(scope: AnyActorScope, options: ResolvedSupervisorOptions, surroundings: Partial<Surroundings> = {}) {
    this.#scope = scope;
    this.options = options;
    this.path = surroundings.path ?? [scope.id];
    this.registry = surroundings.registry ?? createRegistry();
    this.clock = surroundings.clock ?? systemClock;
    this.#report = surroundings.report ?? (() => {});
    this.#announceReady = surroundings.ready ?? (() => {});
  }

  /** Restarts that still count. */
  get restarts(): number {
    const since = this.clock.now() - this.options.periodMs;
    return this.#restarts.filter((at) => at >= since).length;
  }

  // What reaches it.

  boot(): void {
    this.#task = this.#boot();
    this.#work();
  }

  call(call: Call): void {
    this.#mailbox.push({ type: "call", call });
    this.#work();
  }

  shutdown(): void {
    this.#shutdownAsked = true;
    this.#work();
  }

  /** An XState actor of this id ended. */
  childEnded(actorId: string, end: { readonly output: unknown } | { readonly error: unknown }): void {
    const child = this.table.incarnation(actorId);
    if (child === undefined) return;
    const asked = child.status === "stopping" ? "shutdown" : "normal";
    this.#ended(child, child.actor!, "output" in end ? exitReasonOf(end.output, asked) : end);
    this.#work();
  }

  /** Ends a child without asking it, as `exit(Pid, kill)` does. */
  kill(child: Child, actor: AnyActor): void {
    this.#kill(child, actor);
    this.#work();
  }

  /** Ends everything at once, children in reverse order; nothing of it survives. */
  killAll(): void {
    if (this.phase === "stopped") return;
    this.#end("killed");
    for (const child of this.table.all().toReversed()) {
      if (child.actor !== undefined) this.#kill(child, child.actor);
      child.timer?.cancel();
    }
  }

  // What it does.

  /** Starts a new incarnation. */
  *start(child: Child): Task<StartOutcome> {
    const { spec } = child;
    if (this.phase === "stopped") return { as: "failed", reason: "killed" };
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
    const { status, error } = actor.getSnapshot();
    if (status === "error") this.#ended(child, actor, { error });

    const awaited = spec.startTimeoutMs !== undefined || child.inner !== undefined;
    if (spec.startTimeoutMs !== undefined && child.status === "starting" && !child.ready)
      child.timer = this.clock.setTimeout(() => this.#startTimedOut(child, actor), spec.startTimeoutMs);
    while (awaited && child.status === "starting" && !child.ready) yield;

    // It may have ended already: before it was ready, then it failed to start; after, then that is an exit like any other.
    if (hasExited(child) && ((awaited && !child.ready) || isErrorExit(child.exit!)))
      return this.#startFailed(child, child.exit!);
    child.timer?.cancel();
    if (hasExited(child)) this.#mailbox.push({ type: "exit", child, generation: child.generation });
    else child.status = "running";
    if (spec.restart === "temporary") child.args = [];
    this.report({ report: "started", path: this.path, child: child.id, generation: child.generation });
    return { as: "started", ref: actor };
  }

  /** Stops a child the way its specification says, waits for its end, and lays it down. */
  *stop(child: Child): Task {
    this.#beginStop(child);
    if (child.status === "stopping" && typeof child.spec.shutdown === "number" && child.timer === undefined) {
      const { actor } = child;
      child.timer = this.clock.setTimeout(() => this.kill(child, actor!), child.spec.shutdown);
    }
    while (child.status === "stopping") yield;
    this.layDown(child);
  }

  /** The child has no process: its specification stays, unless nobody could start it again. */
  layDown(child: Child): void {
    if (child.status === "exited") this.#reportStop(child);
    child.timer?.cancel();
    child.timer = undefined;
    child.exit = undefined;
    child.status = "stopped";
    if (child.spec.restart === "temporary" || this.options.kind !== "static") this.table.delete(child);
  }

  /** A name for the next instance of the template. */
  nextInstanceId(template: string): string {
    this.#instances += 1;
    return `${template}-${this.#instances}`;
  }

  report(report: SupervisorReport): void {
    try {
      this.#report(report);
    } catch {
      // A supervisor does not depend on its log.
    }
  }

  *#boot(): Task {
    for (const spec of this.options.children) {
      const child = new Child(this, spec.id, spec);
      this.table.add(child);
      const outcome = yield* this.start(child);
      if (outcome.as === "ignored") this.layDown(child);
      if (outcome.as !== "failed") continue;
      const error = startFailure(this.path, child.id, outcome.reason);
      yield* this.#terminate({ error });
      return;
    }
    this.#enter("running");
    this.#announceReady();
  }

  *#handle(message: Message): Task {
    if (message.type === "call") return yield* answerCall(this, message.call);
    const { type, child, generation } = message;
    // Somebody else dealt with it while the message waited: it was stopped with the others, or started again by a call.
    if (child.generation !== generation || child.status !== (type === "exit" ? "exited" : "restarting")) return;
    const view = { ...this.options, table: this.table, restarts: this.#restarts };
    const now = this.clock.now();
    if (type === "retry") return yield* this.#carryOut(decideRestart(child, view, now));
    const reason = child.exit!;
    child.exit = undefined;
    child.status = "stopped";
    yield* this.#carryOut(decideExit(child, reason, view, now));
  }

  *#carryOut({ actions, restarts }: Decision<Child>): Task {
    this.#restarts = restarts;
    for (const action of actions) {
      switch (action.do) {
        case "report_terminated": {
          const { id, generation } = action.child;
          this.report({ report: "child_terminated", path: this.path, child: id, generation, reason: action.reason });
          break;
        }
        case "report_shutdown":
          this.report({
            report: "shutdown",
            path: this.path,
            child: action.child.id,
            reason: "reached_max_restart_intensity",
          });
          break;
        case "lay_down":
          this.layDown(action.child);
          break;
        case "stop":
          this.#enter("restarting");
          yield* this.stop(action.child);
          break;
        case "start": {
          this.#enter("restarting");
          const outcome = yield* this.start(action.child);
          if (outcome.as === "ignored") this.layDown(action.child);
          if (outcome.as === "failed") return this.#retryLater(action.child);
          break;
        }
        case "exit":
          return yield* this.#terminate(action.reason);
      }
    }
    this.#enter("running");
  }

  /** OTP leaves control to its mailbox before it tries again; so do we, and to the event loop as well. */
  #retryLater(child: Child): void {
    if (this.phase === "stopped") return;
    const { generation } = child;
    child.status = "restarting";
    child.timer = this.clock.setTimeout(() => {
      child.timer = undefined;
      this.#mailbox.push({ type: "retry", child, generation });
      this.#work();
    }, 0);
  }

  *#terminate(reason: ExitReason): Task {
    this.#terminating = true;
    this.#enter("stopping");
    if (this.options.kind === "static") for (const child of this.table.all().toReversed()) yield* this.stop(child);
    else yield* this.#stopTogether();
    this.#end(reason);
  }

  /** Instances are all asked at once, and share one timer: the time for a million of them is the time for one. */
  *#stopTogether(): Task {
    let longestMs = 0;
    for (const child of this.table) {
      this.#beginStop(child);
      if (child.status === "stopping" && typeof child.spec.shutdown === "number")
        longestMs = Math.max(longestMs, child.spec.shutdown);
    }
    const killThem = (): void => {
      for (const child of this.table)
        if (child.status === "stopping" && child.spec.shutdown !== "infinity") this.#kill(child, child.actor!);
      this.#work();
    };
    const timer = this.#stopping > 0 ? this.clock.setTimeout(killThem, longestMs) : undefined;
    while (this.#stopping > 0) yield;
    timer?.cancel();
    for (const child of this.table) this.layDown(child);
  }

  #beginStop(child: Child): void {
    const { actor } = child;
    if (actor === undefined || child.status === "stopping") return;
    child.timer?.cancel();
    child.timer = undefined;
    child.status = "stopping";
    this.#stopping += 1;
    if (child.spec.shutdown === "brutal_kill") return this.#kill(child, actor);
    if (child.trapsExit) return actor.send(shutdownEvent);
    this.#scope.stopChild(actor);
    this.#ended(child, actor, "shutdown");
  }

  #create(child: Child): AnyActor | undefined {
    const { name } = child.spec;
    if (name !== undefined && this.registry.whereis(name) !== undefined) throw nameTaken(name);
    const { generation } = child;
    const path = [...this.path, child.id];
    const ready = (): void => {
      if (child.generation !== generation || child.status !== "starting") return;
      child.ready = true;
      this.#work();
    };
    const { registry, clock } = this;
    const scope: StartScope = { id: child.id, path, generation, registry, clock, ready };
    const started = child.spec.start(scope, ...child.args);
    if (started === "ignore") return undefined;
    const { logic, input } = logicOf(started);
    this.#incarnations += 1;
    const actor = createActor(logic, {
      parent: this.#scope.self,
      id: `${child.id}#${this.#incarnations}`,
      src: child.id,
      input: isSupervisorLogic(logic) ? { path, registry, clock, report: this.#report, ready } : input,
    });
    const snapshot = actor.getSnapshot();
    if (snapshot.status === "error") throw snapshot.error;
    if (name !== undefined) this.registry.register(name, actor);
    child.trapsExit = trapsExit(logic);
    this.table.link(child, actor);
    child.inner = coreOf(actor);
    return actor;
  }

  #kill(child: Child, actor: AnyActor): void {
    if (child.actor !== actor) return;
    this.#scope.stopChild(actor);
    this.#ended(child, actor, "killed");
  }

  #startTimedOut(child: Child, actor: AnyActor): void {
    if (child.actor !== actor || child.status !== "starting") return;
    const waited = `It was not ready within ${child.spec.startTimeoutMs} ms.`;
    this.#ended(child, actor, { error: startFailure(this.path, child.id, { error: waited }) });
    this.#scope.stopChild(actor);
    this.#work();
  }

  /** Notes the end of an incarnation; what follows is decided when its turn comes. */
  #ended(child: Child, actor: AnyActor, reason: ExitReason): void {
    if (child.actor !== actor) return;
    this.table.unlink(child, actor);
    if (child.spec.name !== undefined) this.registry.unregister(child.spec.name, actor);
    if (child.status === "stopping") this.#stopping -= 1;
    if (child.status === "running") this.#mailbox.push({ type: "exit", child, generation: child.generation });
    child.timer?.cancel();
    child.timer = undefined;
    child.exit = reason;
    child.status = "exited";
  }

  #startFailed(child: Child, reason: ExitReason): StartOutcome {
    const { generation, id } = child;
    child.exit = undefined;
    child.status = "stopped";
    this.report({ report: "start_error", path: this.path, child: id, generation, reason });
    return { as: "failed", reason };
  }

  /** A child that did not end the way it was asked to. */
  #reportStop({ id, generation, exit: reason, spec }: Child): void {
    const expected =
      reason === undefined ||
      (spec.shutdown === "brutal_kill" ? reason === "killed" : reason === "shutdown") ||
      (spec.restart !== "permanent" && isNormalExit(reason));
    if (!expected) this.report({ report: "shutdown_error", path: this.path, child: id, generation, reason });
  }

  #enter(phase: Phase): void {
    // It may have been killed in the middle of a task that had nothing to wait for.
    if (this.phase !== "stopped") this.phase = phase;
  }

  #end(reason: ExitReason): void {
    if (this.phase === "stopped") return;
    this.reason = reason;
    this.phase = "stopped";
    for (let message = this.#mailbox.shift(); message !== undefined; message = this.#mailbox.shift())
      if (message.type === "call") message.call.reply.reject(noProcess(this.#scope.self));
  }

  /** Works until there is nothing to do or something to wait for. Never re-entered: what arrives meanwhile waits. */
  #work(): void {
    if (this.#working) return;
    this.#working = true;
    const phase = this.phase;
    try {
      while (this.#step());
    } catch (error) {
      // Only a fault of ours leads here. Whatever it is, no child may outlive its supervisor.
      this.killAll();
      this.reason = { error };
    } finally {
      this.#working = false;
    }
    if (this.phase !== phase) this.#scope.self.send({ type: "otp.phase" });
  }

  #step(): boolean {
    if (this.phase === "stopped") return false;
    if (this.#shutdownAsked && !this.#terminating) {
      this.#task?.return();
      this.#task = this.#terminate("shutdown");
    }
    if (this.#task === undefined) {
      const message = this.#mailbox.shift();
      if (message === undefined) return false;
      this.#task = this.#handle(message);
    }
    if (this.#task.next().done !== true) return this.#shutdownAsked && !this.#terminating;
    this.#task = undefined;
    return true;
  }
}

/** Reads a status that changed behind the compiler's back. */
function hasExited(child: Child): boolean {
  return child.status === "exited";
}

/** The error of a child that did not start. */
export function startFailure(
  path: readonly string[],
  child: string,
  reason: ExitReason,
): DspexError<"ERR_CHILD_START_FAILED"> {
  const cause = isErrorExit(reason) ? reason.error : reason;
  return new DspexError(
    "ERR_CHILD_START_FAILED",
    `Child "${child}" of ${path.join("/")} did not start: ${messageOf(cause)}`,
    { details: { path, child }, cause },
  );
}
