import { DspexError, messageOf } from "@dspex/core";
import { startRuntime } from "../runtime.ts";
import { countActors } from "./actor-count.ts";
import { parseDemoArguments, usage } from "./arguments.ts";
import { demoEndpoints } from "./endpoints.ts";
import { runJob } from "./job.ts";
import { keepLedger, type DemoLedger } from "./ledger.ts";
import { processesOfRun } from "./orphans.ts";
import { watchParent } from "./parent-watch.ts";
import { createProgress } from "./progress.ts";
import { createReport, renderReport } from "./report.ts";
import { readTickets } from "./tickets.ts";

/** Runs the demo; resolves to the status to exit with. */
async function main(args: readonly string[]): Promise<number> {
  const { input, workers, json } = parseDemoArguments(args);
  const progress = createProgress(json ? process.stderr : process.stdout);
  const { tickets, invalidLines } = await readTickets(input);
  for (const { line, reason } of invalidLines) progress.note(`line ${line} skipped: ${reason}`);
  if (tickets.length === 0) progress.note(`${input} holds no valid ticket.`);

  const endpoints = demoEndpoints(process.env);
  progress.note(
    `${tickets.length} tickets, answered by ${endpoints.name}; starting ${workers} Python workers`,
  );

  let ledger!: DemoLedger;
  const actors = countActors();
  await using runtime = await startRuntime({
    lm: endpoints.lm,
    pools: { dspy: { size: workers } },
    children: endpoints.children,
    inspect: actors.inspect,
    subscribe(telemetry) {
      actors.subscribe(telemetry);
      ledger = keepLedger(telemetry);
      telemetry.on("learner.moved", ({ fields }) => progress.note(`Learner: ${fields.because}`));
    },
  });
  // The guardian ends what is left of the run.
  const unwatch = watchParent(() => process.exit(1));
  const job = await runJob(runtime, endpoints, tickets, progress);
  await runtime.stop();
  unwatch();
  progress.end();

  const orphans = processesOfRun(runtime.runId)?.length ?? null;
  const report = createReport({
    ...job,
    tickets: tickets.length,
    invalidLines,
    orphans,
    actors,
    endpoints,
    ledger,
    runtime,
  });
  console.log(json ? JSON.stringify(report) : renderReport(report, ledger.calls.length));
  if (job.interrupted !== undefined) return job.interrupted;
  return report.failed > 0 || tickets.length === 0 ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`✗ ${messageOf(error)}`);
  if (DspexError.is(error, "ERR_INVALID_OPTION")) console.error(`  ${usage}`);
  process.exitCode = DspexError.is(error, "ERR_INVALID_OPTION") ? 2 : 1;
}
