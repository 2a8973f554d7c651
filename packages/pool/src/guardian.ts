import { DspexError } from "@dspex/core";
import { guardianCommand } from "@dspex/python-bridge";
import { server, type ChildSpec } from "@dspex/supervisors";
import { childEnvironment, type OsProcess, type OsProcessExit, type SpawnProcess } from "./os-process.ts";
import type { MirroredLedger } from "./process-ledger.ts";

export interface GuardianOptions {
  /** Any Python ≥ 3.11; the standard library is enough. */
  readonly python: string;
  readonly runId: string;
  readonly ledger: MirroredLedger;
  readonly spawn: SpawnProcess;
}

type GuardianMessage = { readonly type: "guardian.exited"; readonly exit: OsProcessExit };

/**
 * The one small process that outlives the runtime, and only for a moment: when its standard input ends, whether the
 * runtime stopped or was killed, it ends every process of this run that is left (G6). It is told of each worker, and looks
 * for the run's id in the environments of all processes as well, so a worker that was just being spawned is found too.
 */
export function guardianSpec(options: GuardianOptions): ChildSpec {
  const { ledger } = options;
  return {
    id: "guardian",
    start: () =>
      server<OsProcess, GuardianMessage>({
        init({ self }) {
          const process = options.spawn(
            guardianCommand(options.python),
            childEnvironment(globalThis.process.env, { DSPEX_RUN_ID: options.runId }),
          );
          void process.exited.then((exit) => self.send({ type: "guardian.exited", exit }));
          // A dead guardian is reported by its exit; a write that meets its closed pipe says nothing new.
          process.stdin.on("error", () => {});
          process.stdout.resume();
          process.stderr.resume();
          ledger.attach((line) => process.stdin.write(line));
          return process;
        },
        receive(_process, { exit }) {
          ledger.detach();
          throw new DspexError(
            "ERR_GUARDIAN_EXITED",
            `The guardian process ended (${exit.spawnError?.message ?? exit.signal ?? `status ${exit.exitCode}`}); another one is started.`,
            { details: { exitCode: exit.exitCode, signal: exit.signal }, cause: exit.spawnError },
          );
        },
        async terminate(process) {
          ledger.detach();
          process.stdin.end();
          await process.exited;
        },
      }),
  };
}
