import { AsyncLocalStorage } from "node:async_hooks";
import process from "node:process";

/** Who answers for what its code does later: an actor, in its present incarnation. */
export interface FailureOwner {
  /** A promise that nobody handles rejected, or a callback threw. */
  failed(error: unknown): void;
}

/** Hears of each failure that belongs to no actor. */
type Unattributed = (error: unknown) => void;

const owners = new AsyncLocalStorage<FailureOwner | undefined>();
const watchers = new Set<Unattributed>();

/** Runs code for which `owner` answers: what it leaves behind, promises, timers, I/O, is attributed to it. */
export function inScopeOf<Args extends readonly unknown[], Result>(
  owner: FailureOwner,
  code: (...args: Args) => Result,
  ...args: Args
): Result {
  // Without anybody who would hear of a failure the scope would only cost.
  return watchers.size === 0 ? code(...args) : owners.run(owner, code, ...args);
}

/**
 * Tells a bystander, such as a log or an inspector. What it throws is ignored, and what it leaves behind is not the failure of the
 * actor that it was told about.
 */
export function tell<Args extends readonly unknown[]>(
  bystander: (...args: Args) => void,
  ...args: Args
): void {
  try {
    if (watchers.size === 0) bystander(...args);
    // `exit` would switch the hooks of the whole process off and on again.
    else owners.run(undefined, bystander, ...args);
  } catch {
    // Whoever watches must not disturb what is watched.
  }
}

/**
 * Attributes failures of asynchronous code to their owners, as long as it is not undone. What belongs to nobody is told to
 * `unattributed`, and then follows Node's own rule: a listener of the application decides, and without one the process ends.
 *
 * @returns how to undo it.
 */
export function attributeFailures(unattributed: Unattributed): () => void {
  if (watchers.size === 0) listen();
  watchers.add(unattributed);
  return () => {
    if (watchers.delete(unattributed) && watchers.size === 0) silence();
  };
}

function listen(): void {
  process.on("unhandledRejection", onUnhandledRejection);
  process.on("uncaughtException", onUncaughtException);
}

function silence(): void {
  process.off("unhandledRejection", onUnhandledRejection);
  process.off("uncaughtException", onUncaughtException);
}

// Node calls both in the asynchronous context of whatever failed.

function onUnhandledRejection(error: unknown): void {
  attribute(error, "unhandledRejection");
}

function onUncaughtException(error: unknown): void {
  attribute(error, "uncaughtException");
}

function attribute(error: unknown, event: "unhandledRejection" | "uncaughtException"): void {
  const owner = owners.getStore();
  if (owner !== undefined) return owner.failed(error);
  for (const unattributed of watchers) unattributed(error);
  if (process.listenerCount(event) > 1 || (event === "unhandledRejection" && toleratesRejections())) return;
  // Node ends a process only where nobody listens, and prints what is thrown then as it would have without us.
  silence();
  process.nextTick(() => {
    throw error;
  });
}

/** Node was told not to end over a rejection. */
function toleratesRejections(): boolean {
  const flags = [...process.execArgv, process.env["NODE_OPTIONS"] ?? ""].join(" ");
  return /--unhandled-rejections[= ](none|warn)/.test(flags);
}
