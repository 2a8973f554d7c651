import type { AnyActor, AnyActorScope } from "xstate";
import { noProcess } from "./alive.ts";
import { tell } from "./async-failures.ts";
import { Child, type ChildTable } from "./child.ts";
import { ChildRunner, type Task } from "./child-runner.ts";
import { decideExit, decideRestart } from "./decide.ts";
import { overflowOr, startFailure } from "./errors.ts";
import { exitReasonOf, isErrorExit, type ExitReason } from "./exit-reason.ts";
import { Fifo } from "./fifo.ts";
import { incarnationOf } from "./incarnation.ts";
import { defaultLimits, mailboxFull, mailboxOf } from "./mailbox.ts";
import { deferExits, relay } from "./relay.ts";
import { RestartWindow } from "./restart-window.ts";
import type { Action, SupervisorView } from "./strategy.ts";
import { answerCall, type CallEvent } from "./supervisor-calls.ts";
import type { ResolvedSupervisorOptions } from "./supervisor-options.ts";
import { completeSurroundings, type Surroundings } from "./surroundings.ts";

/** The life-cycle states, which the statechart of every supervisor draws. */
export type Phase = "starting" | "running" | "restarting" | "stopping" | "stopped";

type Message =
  | { readonly type: "exit" | "retry"; readonly child: Child; readonly generation: number }
  | CallEvent;

/** How many messages it handles at a stretch before the event loop has its turn. */
const stretch = 100;

/**
 * The inside of a supervisor: its mailbox, and the one executor of what the pure decisions ask for.
 *
 * Like an OTP supervisor it does one thing at a time. Exits and calls that arrive meanwhile wait in its mailbox in order;
 * only a request to shut down does not wait. A task that must wait for a child yields, and is resumed when a child ended, a
 * child is ready or a timer fired; as long as nothing must be waited for, everything happens at once.
 */
export class SupervisorCore {
  readonly options: ResolvedSupervisorOptions;
  readonly around: Surroundings;
  readonly runner: ChildRunner;
  phase: Phase = "starting";
  /** Why it stopped; meaningful once it has. */
  reason: ExitReason = "normal";
  readonly #scope: AnyActorScope;
  readonly #mailbox = new Fifo<Message>();
  readonly #window: RestartWindow;
  readonly #view: SupervisorView<Child>;
  readonly #work = (): void => {
    this.#woken = false;
    this.#workOff();
  };
  #task: Task | undefined;
  #working = false;
  #terminating = false;
  #shutdownAsked = false;
  /** Children whose restart failed. */
  readonly #retrying = new Set<Child>();
  /** It is to be woken already. */
  #woken = false;
  #instances = 0;

  constructor(scope: AnyActorScope, options: ResolvedSupervisorOptions, given?: Partial<Surroundings>) {
    this.#scope = scope;
    this.options = options;
    this.around = completeSurroundings(scope.id, given);
    this.#window = new RestartWindow(options);
    const exited = (child: Child): void =>
      this.#mailbox.push({ type: "exit", child, generation: child.generation });
    this.runner = new ChildRunner(scope, options, this.around, { exited, wake: () => this.wake() });
    this.#view = { ...options, table: this.table };
    deferExits(scope.self as AnyActor, (tell) => this.around.queue.afterThis(tell));
  }

  get table(): ChildTable {
    return this.runner.table;
  }

  /** Starts the static children. What needs no waiting has happened when this returns. */
  boot(): void {
    this.#task = this.#boot();
    this.#workOff();
  }

  call(event: CallEvent): void {
    const { limit } = mailboxOf(this.#scope.self)?.limits ?? defaultLimits;
    if (this.#mailbox.size >= limit) return event.reply.reject(mailboxFull(this.#scope.id, limit));
    this.#mailbox.push(event);
    this.#workOff();
  }

  shutdown(): void {
    this.#shutdownAsked = true;
    this.#workOff();
  }

  unexpected(event: string): void {
    const { path, report } = this.around;
    tell(report, { report: "unexpected_message", path, event });
  }

  /** The XState actor of this id ended. */
  childEnded(actorId: string, end: { readonly output: unknown } | { readonly error: unknown }): void {
    const incarnation = this.table.incarnation(actorId);
    if (incarnation === undefined) return;
    const fallback = incarnation.child.status === "stopping" ? "shutdown" : "normal";
    const reason =
      "output" in end ? exitReasonOf(end.output, fallback) : { error: overflowOr(end.error, actorId) };
    this.runner.ended(incarnation, reason);
    this.wake();
    if ("error" in end && isErrorExit(reason) && reason.error !== end.error) this.#root().findLost();
  }

  /** Finds the actors of this tree that an overflow of the stack ended unheard: whoever stood on it may be anywhere. */
  findLost(): void {
    this.runner.findLost();
    for (const { incarnation } of this.table) incarnation?.inner?.findLost();
  }

  #root(): SupervisorCore {
    const above = incarnationOf(this.#scope.self)?.child.supervisor;
    return above === undefined ? this : above.#root();
  }

  /** Messages that it has not turned to yet. */
  get waiting(): number {
    return this.#mailbox.size;
  }

  /** The restarts that count at this time. */
  get restartsInWindow(): number {
    return this.#window.count(this.around.clock.now());
  }

  /** Ends everything at once; no child survives. */
  killAll(): void {
    if (this.phase === "stopped") return;
    this.#end("killed");
    this.runner.killAll();
  }

  /** The id of the next instance of a template. */
  nextInstanceId(template: string): string {
    this.#instances += 1;
    return `${template}-${this.#instances}`;
  }

  toJSON(): { readonly path: string; readonly children: number } {
    return { path: this.around.path.join("/"), children: this.table.size };
  }

  *#boot(): Task {
    for (const spec of this.options.children) {
      const child = new Child(this, spec.id, spec);
      this.table.add(child);
      const outcome = yield* this.runner.start(child);
      if (outcome.as === "ignored") this.runner.layDown(child);
      if (outcome.as !== "failed") continue;
      return yield* this.#terminate({ error: startFailure(this.around.path, child.id, outcome.reason) });
    }
    this.#enter("running");
    this.around.ready();
  }

  *#handle(message: Message): Task {
    if (message.type === "otp.call") return yield* answerCall(this, message);
    const { type, child, generation } = message;
    // While the message waited, the child may have been stopped with others, or been started again by a call.
    if (child.generation !== generation || child.status !== (type === "exit" ? "exited" : "restarting"))
      return;
    if (type === "retry") return yield* this.#restart(child);
    const reason = child.exit!;
    child.exit = undefined;
    child.status = "stopped";
    yield* this.#carryOut(decideExit(child, reason, this.#view));
  }

  *#restart(child: Child): Task {
    const tooMany = this.#window.add(this.around.clock.now());
    yield* this.#carryOut(decideRestart(child, tooMany, this.#view));
  }

  *#carryOut(actions: readonly Action<Child>[]): Task {
    for (const action of actions) {
      switch (action.do) {
        case "report_terminated":
          this.runner.report(action.child, { report: "child_terminated", reason: action.reason });
          break;
        case "report_shutdown":
          this.runner.report(action.child, { report: "shutdown", reason: "reached_max_restart_intensity" });
          break;
        case "restart":
          return yield* this.#restart(action.child);
        case "lay_down":
          this.runner.layDown(action.child);
          break;
        case "stop":
          this.#enter("restarting");
          yield* this.runner.stop(action.child);
          break;
        case "start": {
          this.#enter("restarting");
          const outcome = yield* this.runner.start(action.child);
          if (outcome.as === "ignored") this.runner.layDown(action.child);
          if (outcome.as === "failed") return this.#retryLater(action.child);
          break;
        }
        case "exit":
          return yield* this.#terminate(action.reason);
      }
    }
  }

  /** OTP leaves control to its mailbox before it tries again; so do we, and to the event loop as well. */
  #retryLater(child: Child): void {
    if (this.phase === "stopped") return;
    const { generation } = child;
    child.status = "restarting";
    this.#retrying.add(child);
    child.timer = this.around.clock.setTimeout(() => {
      child.timer = undefined;
      this.#mailbox.push({ type: "retry", child, generation });
      this.wake();
    }, 0);
  }

  *#terminate(reason: ExitReason): Task {
    this.#terminating = true;
    this.#enter("stopping");
    if (this.options.kind === "static")
      for (const child of this.table.all().toReversed()) yield* this.runner.stop(child);
    else yield* this.runner.stopTogether();
    this.#end(reason);
  }

  #enter(phase: Phase): void {
    if (this.phase !== "stopped") this.phase = phase;
  }

  #end(reason: ExitReason): void {
    if (this.phase === "stopped") return;
    this.phase = "stopped";
    this.reason = reason;
    for (let message = this.#mailbox.shift(); message !== undefined; message = this.#mailbox.shift())
      if (message.type === "otp.call") message.reply.reject(noProcess(this.#scope.self));
  }

  /** Lets it look again, before any message, at what it waits for. While it works it looks anyway. */
  wake(): void {
    if (this.#working || this.#woken) return;
    this.#woken = true;
    this.around.queue.urgent(this.#work);
  }

  /** Works until there is nothing to do or something to wait for. What arrives meanwhile waits: it is never re-entered. */
  #workOff(): void {
    if (this.#working) return;
    this.#working = true;
    const { phase } = this;
    try {
      // A child that ends as soon as it is started makes work without end, as far as the intensity allows.
      let left = stretch;
      while (left > 0 && this.#step()) left -= 1;
      if (left === 0) setImmediate(() => this.wake());
    } catch (error) {
      // Only a fault of ours leads here. Whatever it is, no child outlives its supervisor.
      this.#end({ error });
      this.runner.killAll();
    } finally {
      this.#working = false;
    }
    // Past the run queue: the chart follows at once.
    if (this.phase !== phase) relay(this.#scope.self, this.#scope.self as AnyActor, { type: "otp.phase" });
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
    // A task waits, unless it is to be given up for a shutdown that was asked for while it worked.
    if (this.#task.next().done !== true) return this.#shutdownAsked && !this.#terminating;
    this.#task = undefined;
    this.#lookAtRetries();
    return true;
  }

  /** It is restarting as long as a child of it waits for another attempt; a call may have ended that. */
  #lookAtRetries(): void {
    if (this.phase !== "running" && this.phase !== "restarting") return;
    for (const child of this.#retrying) if (child.status !== "restarting") this.#retrying.delete(child);
    this.phase = this.#retrying.size === 0 ? "running" : "restarting";
  }
}
