import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { backoffMs, deferred, DspexError, type Clock, type Deferred } from "@dspex/core";
import { zygoteCommand } from "@dspex/python-bridge";
import { noreply, server, type ChildSpec, type ServerLogic, type StartScope } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";
import type { Forks } from "./birth.ts";
import type { ResolvedPoolOptions } from "./options.ts";
import { childEnvironment, type OsProcess, type OsProcessExit, type SpawnProcess } from "./os-process.ts";
import type { ProcessLedger } from "./process-ledger.ts";
import { ZygoteSession } from "./zygote-session.ts";

export interface ZygoteOptions {
  readonly pool: string;
  readonly runId: string;
  /** What new workers run on, a new object with every roll-out. */
  readonly release: () => ResolvedPoolOptions;
  readonly clock: Clock;
  /** Numbers in [0, 1), for the jitter of back-off. */
  readonly random: () => number;
  readonly spawn: SpawnProcess;
  readonly ledger: ProcessLedger;
  readonly telemetry: TelemetryBus;
}

/** Settles when a zygote can fork, or never will. */
type Up = Deferred<ZygoteSession | undefined>;

type ZygoteMessage =
  | { readonly type: "spawn"; readonly coming: Up }
  | { readonly type: "failed"; readonly exit: OsProcessExit; readonly stderr: string }
  | { readonly type: "unable" };

/** A zygote that lived as long was well. */
const provenMs = 10_000;

/** Slow enough that a zygote which keeps dying does not use up the pool's restarts. */
const backoff = { firstMs: 10_000, maxMs: 60_000 } as const;

/** Of standard error that is kept for the report of its end, in characters. */
const maxStderrChars = 4 * 1024;

const socketName = "zygote";

/** `sun_path` holds 107 characters. */
const maxSocketPathChars = 107;

/** The zygote of a pool, as its workers see it. */
export interface Zygote {
  /** Who forks workers of this release. */
  of(release: ResolvedPoolOptions): Forks;
}

/**
 * The zygote of a pool: a Python process that has imported DSPy and the modules of the pool's `warmUp`, and forks workers. They do
 * not need it any more once they are born, so its death costs no call; its supervisor starts the next one.
 *
 * A module that forks would break is left to the workers to import; where DSPy itself is one, they are spawned. When the pool has moved to
 * another release, the first worker of it that is to be born has the zygote replaced by one of that release.
 */
export function createZygote(around: ZygoteOptions): Zygote & { readonly spec: ChildSpec } {
  const { pool, runId, clock, random, ledger, telemetry } = around;
  /** Modules of this release whose import rules out forks. */
  const unsafeModules = new Set<string>();
  let release: ResolvedPoolOptions | undefined;
  /** What births wait for. */
  let up: Up = none();
  /** Zygotes since the last one that was well. */
  let attempts = 0;
  let running: { readonly process: OsProcess; wanted: boolean } | undefined;
  let actor: { send: (message: ZygoteMessage) => void } | undefined;
  const end = (): void => {
    up.resolve(undefined);
    if (running === undefined) return;
    running.wanted = false;
    running.process.kill();
  };

  const start = (self: { send: (message: ZygoteMessage) => void }, coming: Up): void => {
    attempts += 1;
    const directory = socketDirectory(runId);
    const options = around.release();
    release = options;
    const modules = modulesOf(options).filter((name) => !unsafeModules.has(name));
    // To wait for it is quicker than to spawn beside it, unless the last ones have shown that it may be in vain.
    if (attempts <= 2) up = coming;
    const startedAtMs = clock.now();
    const process = around.spawn(
      zygoteCommand(options.python),
      childEnvironment(globalThis.process.env, { ...options.env, DSPEX_RUN_ID: runId }, options.inheritEnv),
    );
    const own = (running = { process, wanted: true });
    const { pid } = process;
    if (pid !== undefined) ledger.add(pid);
    let [ready, stderr, unsafe] = [false, "", undefined as string | undefined];
    process.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString()).slice(-maxStderrChars);
    });
    const bootTimer = clock.setTimeout(() => process.kill(), options.bootTimeoutMs);
    const session = new ZygoteSession({
      process,
      socket: path.join(directory, socketName),
      token: randomBytes(16).toString("hex"),
      runId,
      paths: options.paths,
      modules,
      seams: options.seams,
      clock,
      onReady() {
        bootTimer.cancel();
        ready = true;
        if (own.wanted) up = coming;
        coming.resolve(session);
        const bootMs = clock.now() - startedAtMs;
        telemetry.emit("pool.zygote.ready", { pool, pid: pid!, bootMs, modules });
      },
      onUnsafe(module, reason) {
        unsafe = module;
        stderr = `${module}: ${reason}`;
      },
    });
    void process.exited.then((exit) => {
      bootTimer.cancel();
      session.end();
      if (ready && clock.now() - startedAtMs >= provenMs) attempts = 0;
      rmSync(directory, { recursive: true, force: true });
      if (pid !== undefined) {
        const { exitCode, signal } = exit;
        ledger.remove(pid);
        telemetry.emit("pool.zygote.exited", { pool, pid, exitCode, signal, stderr, expected: !own.wanted });
      }
      if (!own.wanted) return coming.resolve(undefined);
      running = undefined;
      if (unsafe !== undefined && modules.includes(unsafe)) {
        // Nothing is wrong with the zygote: the next one does without.
        unsafeModules.add(unsafe);
        attempts -= 1;
        return self.send({ type: "spawn", coming });
      }
      coming.resolve(undefined);
      if (up === coming) up = none();
      self.send(unsafe === undefined ? { type: "failed", exit, stderr } : { type: "unable" });
    });
  };
  /** The pool has moved on: what is imported is imported anew. */
  const renew = (): void => {
    if (actor === undefined) return;
    release = around.release();
    end();
    running = undefined;
    unsafeModules.clear();
    attempts = 0;
    up = deferred();
    actor.send({ type: "spawn", coming: up });
  };

  const logic = ({ clock: timers }: StartScope): ServerLogic<void, ZygoteMessage> =>
    server<void, ZygoteMessage>({
      init({ self }) {
        // However the actor ends, its process does not outlive it.
        const left = (): void => {
          if (actor === self) actor = undefined;
          end();
        };
        self.subscribe({ complete: left, error: left });
        actor = self;
        running = undefined;
        const spawn: ZygoteMessage = { type: "spawn", coming: deferred() };
        if (attempts <= 1) return noreply(undefined, { continue: spawn });
        timers.setTimeout(() => self.send(spawn), backoffMs(attempts - 1, backoff, random));
      },
      receive(_state, message, { self }) {
        if (message.type === "spawn") {
          if (running === undefined) return start(self, message.coming);
          // It was renewed before its time had come, or the other way round.
          return message.coming.resolve(undefined);
        }
        // DSPy itself does not survive a fork: it stays without a process, and the workers are spawned.
        if (message.type === "unable") return;
        const { exitCode, signal, spawnError } = message.exit;
        throw new DspexError(
          "ERR_ZYGOTE_EXITED",
          `The zygote of pool "${pool}" ended (${spawnError?.message ?? signal ?? `status ${exitCode}`}); another one is started.`,
          { details: { pool, exitCode, signal, stderr: message.stderr }, cause: spawnError },
        );
      },
      async terminate() {
        end();
        await running?.process.exited;
      },
    });

  return {
    of: (wanted) => ({
      async fork(env) {
        if (release !== undefined && wanted !== release) {
          // One that is being tried must not depend on what others have imported.
          if (wanted !== around.release()) return undefined;
          renew();
        }
        return (await up.promise)?.fork(env);
      },
    }),
    spec: { id: "zygote", start: logic },
  };
}

/** Births do not wait. */
function none(): Up {
  const up: Up = deferred();
  up.resolve(undefined);
  return up;
}

function modulesOf({ warmUp }: ResolvedPoolOptions): string[] {
  return [...new Set(warmUp.map((target) => target.split(":")[0]!))];
}

/** A fresh directory that only this user may enter, with a path that leaves room for the socket's name. */
function socketDirectory(runId: string): string {
  // The guardian knows it by this name.
  const name = `dspex-${runId}-`;
  const parent = [tmpdir(), "/tmp"].find(
    (directory) => path.join(directory, `${name}XXXXXX`, socketName).length <= maxSocketPathChars,
  );
  return mkdtempSync(path.join(parent ?? "/tmp", name));
}
