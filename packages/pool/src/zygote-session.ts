import { connect } from "node:net";
import { constants } from "node:os";
import { deferred, type Clock, type Timer } from "@dspex/core";
import type { OsProcess, OsProcessExit } from "./os-process.ts";
import { forkedProcess, type ForkedProcess } from "./zygote-process.ts";

export interface ZygoteSessionOptions {
  readonly process: OsProcess;
  /** Where it is to listen. */
  readonly socket: string;
  /** Who knows it may have workers forked. */
  readonly token: string;
  readonly runId: string;
  readonly paths: readonly string[];
  /** Modules of the user to import before it forks. */
  readonly modules: readonly string[];
  readonly seams: Readonly<Record<string, boolean>>;
  readonly clock: Clock;
  readonly onReady: () => void;
  /** What this module leaves behind does not survive a fork; the zygote ends. */
  readonly onUnsafe: (module: string, reason: string) => void;
}

/** A zygote answers in some milliseconds. One that takes this long is stopped, or hangs. */
const patienceMs = 1_000;

/** A line of a zygote is far shorter. */
const maxLineChars = 64 * 1024;

/** The conversation with one zygote process (`dspex_bridge/zygote.py` has its words). */
export class ZygoteSession {
  readonly #options: ZygoteSessionOptions;
  /** The one birth that is under way. */
  #birth: { readonly id: string; readonly done: (pid: number | undefined) => void } | undefined;
  /** One birth at a time: the zygote cannot do two, and a time limit is to count its own time only. */
  #turn: Promise<unknown> = Promise.resolve();
  #births = 0;
  readonly #children = new Map<number, ForkedProcess>();
  /** Pings that have no answer yet; `#overdue` is armed as long as there is one. */
  #unanswered = 0;
  #overdue: Timer | undefined;
  #ended = false;
  #line = "";

  constructor(options: ZygoteSessionOptions) {
    const { process, socket, token, paths, modules, seams } = options;
    this.#options = options;
    // A dead zygote is reported by its exit; a write that meets its closed pipe says nothing new.
    process.stdin.on("error", () => {});
    process.stdin.write(`${JSON.stringify({ socket, token, paths, warmUp: modules, seams })}\n`);
    process.stdout.on("data", (chunk: Buffer) => this.#read(chunk.toString("latin1")));
  }

  /** Forks a worker; `undefined` when it cannot, or gives no sign of life: then it is ended. */
  fork(env: Readonly<Record<string, string>>): Promise<OsProcess | undefined> {
    const turn = this.#turn.then(() => this.#fork(env));
    this.#turn = turn;
    return turn;
  }

  /** The zygote is gone; its workers are not. */
  end(): void {
    this.#ended = true;
    this.#overdue?.cancel();
    this.#birth?.done(undefined);
    for (const child of this.#children.values()) child.orphaned();
    this.#children.clear();
  }

  async #fork(env: Readonly<Record<string, string>>): Promise<OsProcess | undefined> {
    if (this.#ended) return undefined;
    const { socket: path, token, runId } = this.#options;
    const id = `${(this.#births += 1)}`;
    const wire = connect(path);
    // It is written to no further; what the worker says comes the other way.
    const stderr = connect({ path, allowHalfOpen: true });
    const born = deferred<OsProcess | undefined>();
    const giveUp = (): void => born.resolve(undefined);
    for (const stream of [wire, stderr]) stream.on("error", giveUp).once("close", giveUp);
    wire.write(`wire ${token} ${id}\n`);
    stderr.end(`stderr ${token} ${id}\n${JSON.stringify(env)}\n`);
    this.#probe();
    const done = (pid: number | undefined): void => {
      if (pid === undefined) return giveUp();
      const child = forkedProcess({ pid, wire, stderr, runId });
      this.#children.set(pid, child);
      // Its end is the zygote's to tell.
      wire.once("close", () => this.#probe());
      born.resolve(child.process);
    };
    this.#birth = { id, done };
    const forked = await born.promise;
    this.#birth = undefined;
    if (forked === undefined) {
      // A child that came to be after all finds its input at its end.
      wire.destroy();
      stderr.destroy();
    }
    return forked;
  }

  /** One that gives no sign of life is ended: it would fork no worker, and tell of no worker's end. */
  #probe(): void {
    if (this.#ended) return;
    this.#options.process.stdin.write("ping\n");
    this.#unanswered += 1;
    if (this.#unanswered === 1) this.#watch();
  }

  #watch(): void {
    const { process, clock } = this.#options;
    this.#overdue?.cancel();
    const dueMs = clock.now() + patienceMs;
    this.#overdue = clock.setTimeout(() => {
      // Where this process itself was late, the answer may wait to be read.
      if (clock.now() - dueMs > patienceMs / 2) this.#watch();
      else process.kill();
    }, patienceMs);
  }

  #exited(pid: number, exit: OsProcessExit): void {
    this.#children.get(pid)?.ended(exit);
    this.#children.delete(pid);
    // Only now its number, and that of its group, may come to mean another one.
    this.#options.process.stdin.write(`reap ${pid}\n`);
  }

  #read(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    if (this.#line.length > maxLineChars) return this.#options.process.kill();
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    const [verb, subject = "", ...rest] = line.split(" ");
    const about = rest.join(" ");
    switch (verb) {
      case "ready":
        return this.#options.onReady();
      case "forked":
        if (this.#birth?.id === subject) this.#birth.done(Number(about));
        return;
      case "refused":
        if (this.#birth?.id === subject) this.#birth.done(undefined);
        return;
      case "exited":
        return this.#exited(Number(subject), exitOf(rest));
      case "pong":
        this.#unanswered -= 1;
        return this.#unanswered === 0 ? this.#overdue?.cancel() : this.#watch();
      case "unsafe":
        return this.#options.onUnsafe(subject, about);
      default:
        // An interpreter that is something else.
        return this.#options.process.kill();
    }
  }
}

/** `status N` or `signal N`. */
function exitOf([how, number]: readonly string[]): OsProcessExit {
  if (how === "status") return { exitCode: Number(number), signal: null };
  const [signal] = Object.entries(constants.signals).find(([, value]) => value === Number(number)) ?? [];
  return { exitCode: null, signal: (signal as NodeJS.Signals | undefined) ?? null };
}
