import { backoffMs, DspexError, messageOf, type Clock, type Timer } from "@dspex/core";
import { workerCommand, type LogLevel, type Ready } from "@dspex/python-bridge";
import type { TelemetryBus } from "@dspex/telemetry";
import { setup, type AnyStateMachine } from "xstate";
import type { Call } from "./call.ts";
import type { ResolvedPoolOptions } from "./options.ts";
import { childEnvironment, type OsProcess, type OsProcessExit, type SpawnProcess } from "./os-process.ts";
import type { ProcessLedger } from "./process-ledger.ts";
import type { UpcallHandler } from "./upcall.ts";
import { WorkerSession } from "./worker-session.ts";

type WorkerEvent =
  | { readonly type: "boot" }
  | { readonly type: "boot.timeout" }
  | { readonly type: "process.ready"; readonly ready: Ready }
  | { readonly type: "process.broken"; readonly error: unknown }
  | { readonly type: "process.exited"; readonly exit: OsProcessExit }
  | { readonly type: "drain.timeout" }
  | { readonly type: "otp.shutdown" };

/** What all workers of a pool share. */
export interface WorkerSurroundings {
  readonly pool: string;
  readonly runId: string;
  readonly options: ResolvedPoolOptions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly spawn: SpawnProcess;
  readonly ledger: ProcessLedger;
  readonly telemetry: TelemetryBus;
  readonly upcalls: UpcallHandler;
  /** A worker takes calls from now on. */
  readonly onReady: (session: WorkerSession) => void;
  /** A worker failed to become ready. */
  readonly onBootFailed: (error: DspexError) => void;
  /** A worker takes no further calls. `lost`: the calls that died with it. */
  readonly onGone: (session: WorkerSession, lost: readonly Call[], error: DspexError) => void;
  /** A worker has room for another call. */
  readonly onRoom: () => void;
  /** A worker gave a call back that it has not run. */
  readonly onReturned: (call: Call) => void;
}

/** Boot failures in a row, over the incarnations of one worker: the next one waits longer. */
export interface BootRecord {
  failures: number;
}

const backoff = { firstMs: 100, maxMs: 5_000 } as const;

/**
 * A worker: one Python process, from its spawning to its end. The supervisor restarts it whenever it ends in error; a
 * new incarnation whose predecessors never became ready waits before it spawns, so a broken environment cannot make a storm.
 */
export function workerMachine(id: string, boots: BootRecord, around: WorkerSurroundings): AnyStateMachine {
  const life = new WorkerLife(id, boots, around);
  return setup({
    types: {} as { events: WorkerEvent },
    actions: {
      own: ({ self }) => life.own((event) => self.send(event), self),
      spawn: () => life.spawn(),
      announce: ({ event }) => life.announce((event as { ready: Ready }).ready),
      failBoot: ({ event }) => life.failBoot(event),
      crash: ({ event }) => life.crash(event),
      drain: () => life.drain(),
      kill: () => life.kill(),
      leave: () => life.leave(),
    },
  }).createMachine({
    id: "worker",
    initial: "waiting",
    entry: "own",
    states: {
      waiting: { on: { boot: "booting", "otp.shutdown": "stopped" } },
      booting: {
        entry: "spawn",
        on: {
          "process.ready": "ready",
          "process.exited": { actions: "failBoot" },
          "process.broken": { actions: "failBoot" },
          "boot.timeout": { actions: "failBoot" },
          "otp.shutdown": { target: "draining" },
        },
      },
      ready: {
        entry: "announce",
        on: {
          "process.exited": { actions: "crash" },
          "process.broken": { actions: "crash" },
          "otp.shutdown": "draining",
        },
      },
      draining: {
        entry: "drain",
        on: {
          "process.exited": "stopped",
          "process.broken": { actions: "kill" },
          "drain.timeout": { actions: "kill" },
        },
      },
      stopped: { type: "final", entry: "leave" },
    },
    output: { reason: "shutdown" },
  });
}

/** What the machine's actions do: the process, its session and its timer. */
class WorkerLife {
  readonly #id: string;
  readonly #boots: BootRecord;
  readonly #around: WorkerSurroundings;
  #send: (event: WorkerEvent) => void = () => {};
  #process: OsProcess | undefined;
  #session: WorkerSession | undefined;
  #exit: OsProcessExit | undefined;
  #timer: Timer | undefined;
  #spawnedAtMs = 0;
  #ready = false;
  #draining = false;
  /** The end of what the process printed, for the error of a failed boot. */
  #stderr = "";

  constructor(id: string, boots: BootRecord, around: WorkerSurroundings) {
    this.#id = id;
    this.#boots = boots;
    this.#around = around;
  }

  own(
    send: (event: WorkerEvent) => void,
    self: { subscribe: (observer: { complete: () => void; error: () => void }) => unknown },
  ): void {
    this.#send = send;
    // However the actor ends, also when it is stopped from outside: its process does not outlive it.
    self.subscribe({ complete: () => this.#release(), error: () => this.#release() });
    const { clock, random } = this.#around;
    this.#after(backoffMs(this.#boots.failures, backoff, random), { type: "boot" }, clock);
  }

  spawn(): void {
    const { options, pool, runId, clock, telemetry, ledger } = this.#around;
    this.#spawnedAtMs = clock.now();
    const process = this.#around.spawn(
      workerCommand(options.python),
      childEnvironment(globalThis.process.env, { ...options.env, DSPEX_RUN_ID: runId }),
    );
    this.#process = process;
    if (process.pid !== undefined) {
      ledger.add(process.pid);
      telemetry.emit("pool.worker.spawned", { pool, worker: this.#id, pid: process.pid });
    }
    process.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-2_000);
    });
    void process.exited.then((exit) => {
      this.#exit = exit;
      this.#gone(exit);
      this.#send({ type: "process.exited", exit });
    });
    this.#session = new WorkerSession({
      process,
      hello: {
        runId,
        workerId: this.#id,
        maxFrameBytes: options.maxFrameBytes,
        threads: options.threads,
        maxInFlight: options.maxInFlight,
        paths: options.paths,
        seams: options.seams,
      },
      heartbeatMs: options.heartbeatMs,
      clock,
      upcalls: this.#around.upcalls,
      onReady: (ready) => this.#send({ type: "process.ready", ready }),
      onBroken: (error) => this.#send({ type: "process.broken", error }),
      onRoom: this.#around.onRoom,
      onReturned: this.#around.onReturned,
      onLog: (source, level, text) => this.#log(source, level, text),
      onHeartbeat: ({ lagMs, inFlight, rssBytes }) =>
        telemetry.emit("pool.worker.heartbeat", { pool, worker: this.#id, lagMs, inFlight, rssBytes }),
    });
    this.#after(options.bootTimeoutMs, { type: "boot.timeout" }, clock);
  }

  announce(ready: Ready): void {
    const { pool, telemetry, clock } = this.#around;
    this.#timer?.cancel();
    this.#boots.failures = 0;
    this.#ready = true;
    const { pid, python, dspy, seams } = ready;
    const bootMs = clock.now() - this.#spawnedAtMs;
    telemetry.emit("pool.worker.ready", { pool, worker: this.#id, pid, bootMs, python, dspy, seams });
    this.#around.onReady(this.#session!);
  }

  failBoot(event: WorkerEvent): never {
    this.#boots.failures += 1;
    const reason = bootFailure(event, this.#around.options.bootTimeoutMs);
    const stderr = this.#stderr.trim();
    const error = new DspexError(
      "ERR_WORKER_BOOT",
      `Worker ${this.#id} did not become ready: ${reason}${stderr === "" ? "" : `; it said: ${lastLine(stderr)}`}. Check the environment with \`npx dspex doctor\`.`,
      { details: { worker: this.#id, reason, stderr }, retryable: true },
    );
    this.#around.onBootFailed(error);
    throw error;
  }

  crash(event: WorkerEvent): never {
    if (event.type === "process.broken") {
      // What it answers from here on cannot be trusted: its calls end now, and so does the process.
      this.kill();
      this.#gone({ exitCode: null, signal: "SIGKILL" }, event.error);
      throw event.error;
    }
    throw this.#crashError(this.#exit ?? { exitCode: null, signal: null });
  }

  drain(): void {
    this.#draining = true;
    this.#timer?.cancel();
    this.#session?.drain();
    this.#after(this.#around.options.drainTimeoutMs, { type: "drain.timeout" }, this.#around.clock);
  }

  kill(): void {
    this.#process?.kill();
  }

  leave(): void {
    this.#timer?.cancel();
  }

  #after(delayMs: number, event: WorkerEvent, clock: Clock): void {
    this.#timer = clock.setTimeout(() => this.#send(event), delayMs);
  }

  #release(): void {
    this.#timer?.cancel();
    this.kill();
  }

  /** The process is gone, or as good as: its calls fail or go elsewhere, exactly once. */
  #gone(exit: OsProcessExit, cause?: unknown): void {
    const process = this.#process;
    const session = this.#session;
    if (process === undefined || session === undefined) return;
    this.#session = undefined;
    const { pool, telemetry, ledger } = this.#around;
    const lost = session.end();
    if (process.pid !== undefined) {
      ledger.remove(process.pid);
      const { exitCode, signal } = exit;
      telemetry.emit("pool.worker.exited", {
        pool,
        worker: this.#id,
        pid: process.pid,
        exitCode,
        signal,
        lost: lost.length,
        expected: this.#draining,
      });
    }
    if (this.#ready) this.#around.onGone(session, lost, this.#crashError(exit, cause));
  }

  #crashError(exit: OsProcessExit, cause?: unknown): DspexError<"ERR_WORKER_CRASHED"> {
    const { exitCode, signal } = exit;
    const how = signal === null ? `exited with status ${exitCode}` : `was ended by ${signal}`;
    return new DspexError(
      "ERR_WORKER_CRASHED",
      `Worker ${this.#id} ${how} with the call in flight${cause === undefined ? "" : ` (${messageOf(cause)})`}. Mark calls idempotent to have them run again elsewhere.`,
      { details: { worker: this.#id, exitCode, signal }, retryable: true, cause },
    );
  }

  #log(source: string, level: LogLevel, text: string): void {
    if (!this.#ready) this.#stderr = `${this.#stderr}${text}\n`.slice(-2_000);
    this.#around.telemetry.emit("pool.worker.log", { pool: this.#around.pool, worker: this.#id, source, level, text });
  }
}

function bootFailure(event: WorkerEvent, bootTimeoutMs: number): string {
  switch (event.type) {
    case "process.exited": {
      const { exitCode, signal, spawnError } = event.exit;
      if (spawnError !== undefined) return `it could not be started (${spawnError.message})`;
      return signal === null ? `it exited with status ${exitCode}` : `it was ended by ${signal}`;
    }
    case "process.broken":
      return messageOf(event.error);
    default:
      return `it was silent for ${bootTimeoutMs} ms`;
  }
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf("\n") + 1);
}
