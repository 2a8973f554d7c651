import { DspexError, messageOf } from "@dspex/core";
import { startRuntime } from "../runtime.ts";
import { parseDemoArguments, usage } from "./arguments.ts";
import { runJob } from "./job.ts";
import { keepLedger, type DemoLedger } from "./ledger.ts";
import { modelFromEnvironment } from "./model.ts";
import { createOfflineModel } from "./offline-model.ts";
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

  const model = modelFromEnvironment(process.env);
  const offline = model === undefined ? createOfflineModel() : undefined;
  progress.note(
    `${tickets.length} tickets, answered by ${model?.name ?? "the offline rules (no language model)"}; starting ${workers} Python workers`,
  );

  let ledger!: DemoLedger;
  await using runtime = await startRuntime({
    lm: { default: model?.adapter ?? offline!.adapter },
    pools: { dspy: { size: workers } },
    children: offline === undefined ? [] : [offline.spec],
    subscribe: (telemetry) => (ledger = keepLedger(telemetry)),
  });
  // The guardian ends what is left of the run.
  const unwatch = watchParent(() => process.exit(1));
  const job = await runJob(runtime, tickets, progress);
  await runtime.stop();
  unwatch();
  progress.end();

  const report = createReport(
    { tickets: tickets.length, invalidLines, ...job, orphans: processesOfRun(runtime.runId)?.length ?? null },
    ledger,
  );
  console.log(json ? JSON.stringify(report) : renderReport(report, ledger.calls));
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
