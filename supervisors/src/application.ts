/// <reference lib="esnext.disposable" preserve="true" />
import { deferred, systemClock, type Clock } from "@dspex/core";
import { createActor, type AnyActor, type AnyActorRef, type InspectionEvent, type Observer } from "xstate";
import { attributeFailures, tell } from "./async-failures.ts";
import { exitReasonOf, isErrorExit, type ExitReason } from "./exit-reason.ts";
import { LifeCycle, type LifeCycleEvent } from "./life-cycle.ts";
import { defaultLimits, Mailbox } from "./mailbox.ts";
import { shutdownEvent } from "./protocol.ts";
import { createRegistry, type Registry } from "./registry.ts";
import type { ReportSink, SupervisorReport } from "./report.ts";
import { RunQueue, type DeadLetter } from "./run-queue.ts";
import { stopOnSignals } from "./stop-on-signals.ts";
import { supervisor } from "./supervisor.ts";
import { coreOf } from "./supervisor-identity.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
import type { Surroundings } from "./surroundings.ts";
import { actorsUnder, treeOf, type TreeNode } from "./tree.ts";

/** Whatever takes XState's inspection events. What it throws is ignored. */
export type Inspector = ((event: InspectionEvent) => void) | Observer<InspectionEvent>;

export interface ApplicationOptions extends SupervisorOptions {
  /** Name of the root, and first part of every path. @default "application" */
  readonly id?: string;
  /** @default systemClock */
  readonly clock?: Clock;
  /** The names of its actors. Given, it can be handed out before the tree is up. @default a fresh one */
  readonly registry?: Registry;
  /** Hears what supervisors report. @default nobody */
  readonly onReport?: ReportSink;
  /** Hears of each message that reached nobody. @default nobody */
  readonly onDeadLetter?: (letter: DeadLetter) => void;
  /** An XState inspector, from the first actor on. @default none */
  readonly inspect?: Inspector;
  /** SIGINT and SIGTERM stop the tree in order; a second one ends the process at once. @default false: signals are yours */
  readonly handleSignals?: boolean;
}

/** A running supervision tree. */
export interface Application extends AsyncDisposable {
  /** The root supervisor, for the management calls. */
  readonly root: AnyActorRef;
  /** The named actors. */
  readonly registry: Registry;
  /** Messages so far that reached no actor of this tree: it had ended, or its mailbox was full. */
  readonly deadLetters: number;
  /**
   * Who starts and who ends, from when a loop over it begins until the tree has ended. A reader that is 10,000 events behind
   * misses the oldest. Without a reader no event is made.
   */
  readonly lifeCycle: AsyncIterable<LifeCycleEvent>;
  /** What runs at this moment. */
  tree(): TreeNode;
  /** Stops the whole tree, in reverse start order, and waits for it. Idempotent. */
  stop(): Promise<void>;
  /**
   * Attaches an XState inspector while the tree runs; returns how to detach it. It is told of every actor that lives as if it
   * had just been made, parents first, and from then on hears all that it would have heard from the start.
   */
  inspect(inspector: Inspector): () => void;
  /** Resolves with the reason when the tree has ended, however it did; never rejects. */
  readonly finished: Promise<ExitReason>;
}

/**
 * Starts a supervision tree and resolves when all of its static children are up.
 *
 * A failure of any actor in it is handled by the tree and never reaches the process: what a handler throws, and what the code of
 * an actor leaves behind, such as a promise that rejects with nobody to see it. When the tree itself gives up, that is reported as
 * `application_exited` and `finished` resolves. A failure that belongs to no actor is reported as `unattributed_failure` and
 * then follows Node's own rule.
 *
 * @throws DspexError `ERR_INVALID_OPTION` for bad options; `ERR_CHILD_START_FAILED` when a child does not start, after those
 * that had started are stopped again. `details.path` and the chain of causes lead to the child.
 */
export async function startApplication(options: ApplicationOptions): Promise<Application> {
  const { id = "application", clock = systemClock, registry = createRegistry(), inspect } = options;
  const path = [id];
  const logic = supervisor(options);
  const { report, lastFailure } = watchReports(options.onReport ?? (() => {}));
  const queue = new RunQueue(options.onDeadLetter);
  const lifeCycle = new LifeCycle();
  const up = deferred<void>();
  const finished = deferred<ExitReason>();
  const releases: (() => void)[] = [
    attributeFailures((error) => report({ report: "unattributed_failure", path, reason: { error } })),
  ];
  let asked = false;

  const ready = (): void => up.resolve();
  const input: Surroundings = { path, registry, clock, report, queue, lifeCycle, ready };
  const root = createActor(logic, {
    id,
    input,
    ...(inspect === undefined ? {} : { inspect: harmless(inspect) }),
  });
  const core = coreOf(root)!;
  const mailbox = new RootMailbox(queue, root, clock.now());
  const ended = (reason: ExitReason): void => {
    up.reject(isErrorExit(reason) ? reason.error : reason);
    if (!asked) report({ report: "application_exited", path, reason, cause: lastFailure() });
    lifeCycle.end();
    for (const release of releases) release();
    finished.resolve(reason);
  };
  root.subscribe({
    complete: () => {
      const { status, output } = root.getSnapshot();
      ended(status === "done" ? exitReasonOf(output, "normal") : "killed");
    },
    error: (error) => ended({ error }),
  });
  root.start();
  await up.promise;

  const stop = async (): Promise<void> => {
    asked = true;
    root.send(shutdownEvent);
    await finished.promise;
  };
  if (options.handleSignals === true) releases.push(stopOnSignals(stop));
  return {
    root,
    registry,
    lifeCycle,
    get deadLetters() {
      return queue.deadLetters;
    },
    tree: () => treeOf(core, mailbox),
    stop,
    inspect(inspector) {
      const observer = harmless(inspector);
      for (const actorRef of [root, ...actorsUnder(core)])
        observer({ type: "@xstate.actor", actorRef, rootId: root.sessionId });
      const subscription = root.system.inspect(observer);
      return () => subscription.unsubscribe();
    },
    finished: finished.promise,
    [Symbol.asyncDispose]: stop,
  };
}

/** The root has no supervisor that would know of its end. */
class RootMailbox extends Mailbox {
  readonly limits = defaultLimits;
  readonly supervises = true;
  readonly startedAtMs: number;

  constructor(queue: RunQueue, root: AnyActor, startedAtMs: number) {
    super(queue);
    this.startedAtMs = startedAtMs;
    this.open(root);
  }

  get alive(): boolean {
    return this.actor.getSnapshot().status === "active";
  }

  end(): void {
    this.actor.stop();
  }

  failed(): void {
    this.end();
  }

  overflowed(): void {}
}

/** Remembers the last failure, so that the end of the tree can be told with what led to it. */
function watchReports(onReport: ReportSink): {
  readonly report: ReportSink;
  readonly lastFailure: () => SupervisorReport | undefined;
} {
  let last: SupervisorReport | undefined;
  return {
    report(report) {
      const failed = report.report === "child_terminated" || report.report === "start_error";
      if (failed && (report.reason === "killed" || isErrorExit(report.reason))) last = report;
      tell(onReport, report);
    },
    lastFailure: () => last,
  };
}

/** XState would let what an inspector throws come out of `send`, in the middle of somebody's message. */
function harmless(inspector: Inspector): (event: InspectionEvent) => void {
  const next = typeof inspector === "function" ? inspector : (inspector.next?.bind(inspector) ?? (() => {}));
  return (event) => tell(next, event);
}
