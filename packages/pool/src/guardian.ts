import { createInterface } from "node:readline";
import { backoffMs, DspexError, type Clock } from "@dspex/core";
import { guardianCommand } from "@dspex/python-bridge";
import { server, type ChildSpec } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";
import { childEnvironment, type OsProcess, type OsProcessExit, type SpawnProcess } from "./os-process.ts";
import type { MirroredLedger } from "./process-ledger.ts";

export interface GuardianOptions {
  /** Any Python ≥ 3.11; the standard library is enough. */
  readonly python: string;
  readonly runId: string;
  /** The run's file in the registry of runs, whether it could be made or not. */
  readonly runFile: string;
  readonly ledger: MirroredLedger;
  readonly spawn: SpawnProcess;
  readonly clock: Clock;
  /** Numbers in [0, 1), for the jitter of back-off. */
  readonly random: () => number;
  readonly telemetry: TelemetryBus;
}

type GuardianMessage = { readonly type: "spawn" } | { readonly type: "exited"; readonly exit: OsProcessExit };

const backoff = { firstMs: 2_000, maxMs: 30_000 } as const;

/**
 * The one small process that outlives the runtime, and only for a moment: when its standard input ends, whether the
 * runtime stopped or was killed, it ends every process of this run that is left (G6). It is told of each worker, and looks
 * for the run's id in the environments of all processes as well, so a worker that was just being spawned is found too. When it starts, it does
 * the same for dead runs of the registry, whose own guardian was killed with them ({@link registerRun}).
 *
 * A guardian that is killed is replaced at once; one that cannot even start is tried again more and more rarely: its
 * interpreter is the workers' own, and their failure says more.
 */
export function guardianSpec(options: GuardianOptions): ChildSpec {
  const { ledger, clock } = options;
  /** Guardians in a row that ended before they listened. */
  let failures = 0;

  const spawn = (self: { send: (message: GuardianMessage) => void }): OsProcess => {
    const process = options.spawn(
      guardianCommand(options.python, options.runFile),
      childEnvironment(globalThis.process.env, { DSPEX_RUN_ID: options.runId }),
    );
    failures += 1;
    createInterface({ input: process.stdout }).on("line", (line) => {
      failures = 0;
      const [, runId, processes] = /^reaped (\S+) (\d+)$/.exec(line) ?? [];
      if (runId !== undefined)
        options.telemetry.emit("pool.run.reaped", { runId, processes: Number(processes) });
    });
    void process.exited.then((exit) => self.send({ type: "exited", exit }));
    // A dead guardian is reported by its exit; a write that meets its closed pipe says nothing new.
    process.stdin.on("error", () => {});
    process.stderr.resume();
    ledger.attach((line) => process.stdin.write(line));
    return process;
  };

  return {
    id: "guardian",
    start: () =>
      server<OsProcess | undefined, GuardianMessage>({
        init({ self }) {
          if (failures === 0) return spawn(self);
          clock.setTimeout(() => self.send({ type: "spawn" }), backoffMs(failures, backoff, options.random));
          return undefined;
        },
        receive(_process, message, { self }) {
          if (message.type === "spawn") return spawn(self);
          const { exitCode, signal, spawnError } = message.exit;
          throw new DspexError(
            "ERR_GUARDIAN_EXITED",
            `The guardian process ended (${spawnError?.message ?? signal ?? `status ${exitCode}`}); another one is started.`,
            { details: { exitCode, signal }, cause: spawnError },
          );
        },
        async terminate(process) {
          ledger.detach();
          process?.stdin.end();
          await process?.exited;
        },
      }),
  };
}
