import { deferred, systemClock, type Clock } from "@dspex/core";
import { createActor, type AnyActorRef, type InspectionEvent, type Observer } from "xstate";
import { exitReasonOf, isErrorExit, type ExitReason } from "./exit-reason.ts";
import { shutdownEvent } from "./protocol.ts";
import { createRegistry, type Registry } from "./registry.ts";
import type { ReportSink, SupervisorReport } from "./report.ts";
import { sendThrough } from "./send-through.ts";
import { supervisor } from "./supervisor.ts";
import type { Surroundings } from "./surroundings.ts";
import { RunQueue, type DeadLetter } from "./run-queue.ts";
import { coreOf } from "./supervisor-identity.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";
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
}

/** A running supervision tree. */
export interface Application extends AsyncDisposable {
  /** The root supervisor, for the management calls. */
  readonly root: AnyActorRef;
  /** The named actors. */
  readonly registry: Registry;
  /** Messages so far that were sent to actors of this tree which were no longer alive. */
  readonly deadLetters: number;
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
 * A failure of any actor in it is handled by the tree and never reaches the process; when the tree itself gives up, that is
 * reported as `application_exited` and `finished` resolves.
 *
 * @throws DspexError `ERR_INVALID_OPTION` for bad options; `ERR_CHILD_START_FAILED` when a child does not start, after those
 * that had started are stopped again. `details.path` and the chain of causes lead to the child.
 */
export async function startApplication(options: ApplicationOptions): Promise<Application> {
  const {
    id = "application",
    clock = systemClock,
    registry = createRegistry(),
    inspect,
    onReport = () => {},
  } = options;
  const watch = watchFailures(onReport);
  const queue = new RunQueue(options.onDeadLetter);
  const up = deferred<void>();
  const finished = deferred<ExitReason>();
  let asked = false;

  const surroundings: Surroundings = {
    path: [id],
    registry,
    clock,
    report: watch.report,
    queue,
    ready: () => up.resolve(),
  };
  const root = createActor(supervisor(options), {
    id,
    input: surroundings,
    ...(inspect === undefined ? {} : { inspect: harmless(inspect) }),
  });
  sendThrough(queue, root, { alive: () => root.getSnapshot().status === "active", kill: () => root.stop() });
  const core = coreOf(root)!;
  const ended = (reason: ExitReason): void => {
    up.reject(isErrorExit(reason) ? reason.error : reason);
    if (!asked) watch.report({ report: "application_exited", path: [id], reason, cause: watch.cause() });
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
  return {
    root,
    registry,
    get deadLetters() {
      return queue.deadLetters;
    },
    tree: () => treeOf(core),
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

/** Remembers the last failure, so that the end of the tree can be told with what led to it. */
function watchFailures(onReport: ReportSink): {
  readonly report: ReportSink;
  readonly cause: () => SupervisorReport | undefined;
} {
  let last: SupervisorReport | undefined;
  return {
    report(report) {
      const failed = report.report === "child_terminated" || report.report === "start_error";
      if (failed && (report.reason === "killed" || isErrorExit(report.reason))) last = report;
      onReport(report);
    },
    cause: () => last,
  };
}

/** XState lets what an inspector throws come out of `send`, in the middle of somebody's message. */
function harmless(inspector: Inspector): (event: InspectionEvent) => void {
  const next = typeof inspector === "function" ? inspector : inspector.next?.bind(inspector);
  return (event) => {
    try {
      next?.(event);
    } catch {
      // Whoever watches must not disturb what is watched.
    }
  };
}
