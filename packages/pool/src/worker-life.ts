import { backoffMs, DspexError, messageOf, type Clock, type Timer } from "@dspex/core";
import { workerCommand, type LogLevel, type Ready } from "@dspex/python-bridge";
import type { TelemetryBus } from "@dspex/telemetry";
import type { BearProcess, Birth } from "./birth.ts";
import type { Call } from "./call.ts";
import type { CrashReason } from "./errors.ts";
import type { MissedPing } from "./liveness.ts";
import type { ResolvedPoolOptions } from "./options.ts";
import { childEnvironment, type OsProcess, type OsProcessExit } from "./os-process.ts";
import type { ProcessLedger } from "./process-ledger.ts";
import type { ReadProcess } from "./process-state.ts";
import type { StartGate } from "./start-gate.ts";
import type { UpcallHandler } from "./upcall.ts";
import { WorkerSession } from "./worker-session.ts";

/** What a worker's machine hears. */
export type WorkerEvent =
  | { readonly type: "boot" }
  | { readonly type: "boot.timeout" }
  | { readonly type: "process.ready"; readonly ready: Ready }
  | { readonly type: "process.broken"; readonly error: unknown }
  | { readonly type: "process.hung"; readonly reason: CrashReason; readonly why: string }
  | { readonly type: "process.exited"; readonly exit: OsProcessExit }
  | { readonly type: "drain.timeout" }
  /** Its last call was answered. */
  | { readonly type: "calls.done" }
  /** It is to take no further call, to finish those that it has, and to leave. */
  | { readonly type: "retire" }
  | { readonly type: "otp.shutdown" };

/** What all workers of a pool share. */
export interface WorkerSurroundings {
  readonly pool: string;
  readonly runId: string;
  readonly options: ResolvedPoolOptions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly bear: BearProcess;
  readonly readProcess: ReadProcess;
  readonly ledger: ProcessLedger;
  readonly telemetry: TelemetryBus;
  readonly upcalls: UpcallHandler;
  /** Through which it goes before it spawns, and which it leaves when it is ready or gone. */
  readonly gate: StartGate;
  /** A worker is ready. `retire`: lets it finish what it has, and leave. */
  readonly onReady: (session: WorkerSession, retire: () => void) => void;
  /** A worker failed to become ready. */
  readonly onBootFailed: (error: DspexError) => void;
  /** A worker takes no further calls. `lost`: the calls that died with it. */
  readonly onGone: (
    session: WorkerSession,
    lost: readonly Call[],
    error: DspexError<"ERR_WORKER_CRASHED">,
  ) => void;
  /** A worker has room for another call. */
  readonly onRoom: () => void;
  /** A worker gave a call back that it has not run. */
  readonly onReturned: (call: Call) => void;
  /** Its actor has ended, however it did. */
  readonly onEnded: () => void;
}

/** Boot failures in a row, over the incarnations of one worker: the next one waits longer. */
export interface BootRecord {
  failures: number;
}

/** Of standard error that is kept for a worker's error, in characters: the stacks of some ten threads. */
const maxStderrChars = 16 * 1024;

const backoff = { firstMs: 100, maxMs: 5_000 } as const;

/** What the machine's actions do: the process, its session and its timer. */
export class WorkerLife {
  readonly #id: string;
  readonly #boots: BootRecord;
  readonly #around: WorkerSurroundings;
  #send: (event: WorkerEvent) => void = () => {};
  #process: OsProcess | undefined;
  #birth: Birth = "spawn";
  /** It is to end, also where it has not begun yet. */
  #doomed = false;
  #session: WorkerSession | undefined;
  #timer: Timer | undefined;
  #leaveGate = (): void => {};
  #spawnedAtMs = 0;
  #ready = false;
  #draining = false;
  /** Why we ended the process, when it was us. */
  #ended: { readonly reason: CrashReason; readonly text: string } | undefined;
  /** The end of what the process wrote to its standard error, and of what it printed before it was ready. */
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
    const { gate, clock, random } = this.#around;
    const enter = (): void => {
      this.#leaveGate = gate.enter(() => send({ type: "boot" }));
    };
    this.#timer = clock.setTimeout(enter, backoffMs(this.#boots.failures, backoff, random));
  }

  async spawn(): Promise<void> {
    const { options, pool, runId, clock, telemetry, ledger } = this.#around;
    this.#spawnedAtMs = clock.now();
    const born = await this.#around.bear(
      workerCommand(options.python),
      childEnvironment(globalThis.process.env, { ...options.env, DSPEX_RUN_ID: runId }, options.inheritEnv),
      () => !this.#doomed,
    );
    if (born === undefined) return;
    const { process, birth } = born;
    this.#process = process;
    this.#birth = birth;
    if (process.pid !== undefined) {
      ledger.add(process.pid);
      telemetry.emit("pool.worker.spawned", { pool, worker: this.#id, pid: process.pid, birth });
    }
    process.stderr.on("data", (chunk: Buffer) => {
      this.#keep(chunk.toString());
    });
    void process.exited.then((exit) => {
      this.#gone(exit);
      this.#send({ type: "process.exited", exit });
    });
    try {
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
          warmUp: options.warmUp,
          nice: options.nice,
        },
        minInFlight: options.minInFlight,
        codec: options.codec,
        heartbeatMs: options.heartbeatMs,
        maxMissed: options.maxMissed,
        maxBusyMs: options.maxBusyMs,
        cancelGraceMs: options.cancelGraceMs,
        clock,
        readProcess: this.#around.readProcess,
        upcalls: this.#around.upcalls,
        onReady: (ready) => {
          // One that is being ended, because it was silent for too long, has no life before it.
          if (this.#ended === undefined) this.#send({ type: "process.ready", ready });
        },
        onBroken: (error) => this.#send({ type: "process.broken", error }),
        onLate: (why) => this.#send({ type: "process.hung", reason: "late", why }),
        onMissed: (ping) => this.#missed(ping),
        onRoom: () => this.#room(),
        onReturned: this.#around.onReturned,
        onLog: (source, level, text) => this.#log(source, level, text),
        onLimit: (limit, lagMs) =>
          telemetry.emit("pool.worker.limit", { pool, worker: this.#id, limit, lagMs }),
        onHeartbeat: ({ lagMs, inFlight, rssBytes }) =>
          telemetry.emit("pool.worker.heartbeat", { pool, worker: this.#id, lagMs, inFlight, rssBytes }),
      });
    } catch (error) {
      // HELLO is larger than a frame may be: its end is that of a boot that failed.
      this.#ended = { reason: "violation", text: `was not greeted: ${messageOf(error)}` };
      process.kill();
      return;
    }
    if (this.#doomed) process.kill();
    else this.#after(options.bootTimeoutMs, { type: "boot.timeout" });
  }

  announce(ready: Ready): void {
    const { pool, telemetry, clock } = this.#around;
    this.#timer?.cancel();
    this.#leaveGate();
    this.#boots.failures = 0;
    this.#ready = true;
    this.#stderr = "";
    const { pid, python, dspy, seams } = ready;
    const bootMs = clock.now() - this.#spawnedAtMs;
    telemetry.emit("pool.worker.ready", {
      pool,
      worker: this.#id,
      pid,
      birth: this.#birth,
      bootMs,
      python,
      dspy,
      seams,
    });
    this.#around.onReady(this.#session!, () => this.#send({ type: "retire" }));
  }

  failBoot(exit: OsProcessExit): never {
    this.#boots.failures += 1;
    const reason = this.#ended?.text ?? exitText(exit);
    const error = new DspexError(
      "ERR_WORKER_BOOT",
      `Worker ${this.#id} did not become ready: it ${this.#ended?.text ?? exitText(exit) + this.#said()}. Check the environment with \`npx dspex doctor\`.`,
      { details: { worker: this.#id, reason, stderr: this.#stderr.trim() }, retryable: true },
    );
    this.#around.onBootFailed(error);
    throw error;
  }

  crash(exit: OsProcessExit): never {
    throw this.#crashError(exit);
  }

  retire(): void {
    this.#draining = true;
    this.#session!.drain();
    if (this.#session!.inFlight === 0) this.#send({ type: "calls.done" });
  }

  drain(): void {
    this.#draining = true;
    this.#session?.drain();
    this.#after(this.#around.options.drainTimeoutMs, { type: "drain.timeout" });
  }

  end(): void {
    this.#draining = true;
    this.#release();
    // It has not been born, and nobody need wait for that.
    if (this.#process === undefined)
      this.#send({ type: "process.exited", exit: { exitCode: null, signal: null } });
  }

  /** Its end is seen when the process has exited; a reason of ours says more than the SIGKILL that follows. */
  kill(event: WorkerEvent): void {
    // An EPIPE only says that the process is gone, and its status will say why.
    if (event.type === "process.broken" && DspexError.is(event.error, "ERR_PROTOCOL_VIOLATION"))
      this.#ended = {
        reason: "violation",
        text: `broke the protocol: ${event.error.details.reason}${this.#said()}`,
      };
    this.#process?.kill();
  }

  /**
   * A last look at what it is doing, for the error; then its process group is ended.
   *
   * One that is stopped cannot say it, and is not continued to do so: its code would run on meanwhile, for calls that are about to
   * fail or to run elsewhere. SIGKILL ends it as it is.
   */
  async endHung(reason: CrashReason, why: string): Promise<void> {
    if (this.#ended !== undefined) return;
    this.#ended = { reason, text: `was ended: ${why}${this.#said()}` };
    this.#session?.close();
    if (reason !== "stopped") await this.#session?.stacks();
    this.#process?.kill();
  }

  #missed({ missed, verdict, fatal }: MissedPing): void {
    const { pool, telemetry, options } = this.#around;
    telemetry.emit("pool.worker.missed", { pool, worker: this.#id, missed, verdict });
    const { maxMissed, maxBusyMs } = options;
    const why = {
      busy: `it computed for ${maxBusyMs} ms without answering a ping`,
      blocked: `it waited for something through ${maxMissed} pings and answered none`,
      stopped: `it was stopped by a signal and answered none of ${maxMissed} pings`,
    };
    if (fatal) this.#send({ type: "process.hung", reason: verdict, why: why[verdict] });
  }

  /** Arms the one timer of the state that the worker is in. */
  #after(delayMs: number, event: WorkerEvent): void {
    this.#timer?.cancel();
    this.#timer = this.#around.clock.setTimeout(() => this.#send(event), delayMs);
  }

  #room(): void {
    this.#around.onRoom();
    if (this.#draining && this.#session!.inFlight === 0) this.#send({ type: "calls.done" });
  }

  #release(): void {
    this.#timer?.cancel();
    this.#leaveGate();
    this.#doomed = true;
    this.#process?.kill();
    this.#around.onEnded();
  }

  /** The process is gone: its calls fail or go elsewhere, exactly once. */
  #gone(exit: OsProcessExit): void {
    const { pool, telemetry, ledger } = this.#around;
    const { pid } = this.#process!;
    const session = this.#session;
    this.#leaveGate();
    const lost = session?.end() ?? [];
    if (pid !== undefined) {
      ledger.remove(pid);
      const { exitCode, signal } = exit;
      const event = {
        pool,
        worker: this.#id,
        pid,
        exitCode,
        signal,
        lost: lost.length,
        expected: this.#draining,
      };
      telemetry.emit("pool.worker.exited", event);
    }
    if (this.#ready && session !== undefined) this.#around.onGone(session, lost, this.#crashError(exit));
  }

  #crashError(exit: OsProcessExit): DspexError<"ERR_WORKER_CRASHED"> {
    const { exitCode, signal } = exit;
    const { reason, text } = this.#ended ?? { reason: "exited", text: exitText(exit) + this.#said() };
    return new DspexError("ERR_WORKER_CRASHED", `Worker ${this.#id} ${text}.`, {
      details: { worker: this.#id, reason, exitCode, signal, stderr: this.#stderr.trim() },
      retryable: true,
    });
  }

  /** The one line of standard error that says most: the interpreter's own last words, else the last of all. */
  #said(): string {
    const stderr = this.#stderr.trim();
    const line = /^Fatal Python error: .*$/m.exec(stderr)?.[0] ?? stderr.slice(stderr.lastIndexOf("\n") + 1);
    return line === "" ? "" : `, and said: ${line}`;
  }

  #keep(text: string): void {
    this.#stderr = (this.#stderr + text).slice(-maxStderrChars);
  }

  #log(source: string, level: LogLevel, text: string): void {
    if (!this.#ready) this.#keep(`${text}\n`);
    this.#around.telemetry.emit("pool.worker.log", {
      pool: this.#around.pool,
      worker: this.#id,
      source,
      level,
      text,
    });
  }
}

function exitText({ exitCode, signal, spawnError }: OsProcessExit): string {
  if (spawnError !== undefined) return `could not be started (${spawnError.message})`;
  if (exitCode === null && signal === null) return "ended, and nobody saw how: its zygote had ended before";
  return signal === null ? `exited with status ${exitCode}` : `was ended by ${signal}`;
}
