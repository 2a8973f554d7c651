import type { Runtime } from "../runtime.ts";
import { createChaos } from "./chaos.ts";
import type { Progress } from "./progress.ts";
import type { Ticket } from "./tickets.ts";
import { createTriage, type TicketResult } from "./triage.ts";

export interface JobOutcome {
  readonly results: readonly TicketResult[];
  readonly workersKilled: number;
  /** From the start of the process to the first call, in milliseconds. */
  readonly firstCallMs: number | null;
  /** The status for the exit, when SIGINT ended the job early. */
  readonly interrupted?: number;
}

/** Tickets on their way per worker. */
const inFlightPerWorker = 8;

/** One Ctrl-C arrives twice under npm: from the terminal, and passed on by npm itself. */
const sameKeystrokeMs = 300;

/** The status of a process that SIGINT ended, as shells report it. */
const interruptedStatus = 130;

/**
 * Sends every ticket through the triage, and kills a busy worker on the way. SIGINT takes no further ticket and lets the
 * others finish; a second one ends the process at once, and the guardian its workers.
 */
export async function runJob(
  runtime: Runtime,
  tickets: readonly Ticket[],
  progress: Progress,
): Promise<JobOutcome> {
  const chaos = createChaos(runtime);
  const triage = createTriage(runtime);
  const results: TicketResult[] = [];
  const waiting = tickets.values();
  let firstCallMs: number | null = null;

  let interruptedAt: number | undefined;
  const onInterrupt = (): void => {
    if (interruptedAt === undefined) {
      interruptedAt = performance.now();
      progress.note("Stopping: the tickets on their way are finished. Once more to stop at once.");
    } else if (performance.now() - interruptedAt > sameKeystrokeMs) process.exit(interruptedStatus);
  };
  process.on("SIGINT", onInterrupt);
  const lane = async (): Promise<void> => {
    for (const ticket of waiting) {
      if (interruptedAt !== undefined) return;
      firstCallMs ??= performance.now();
      const result = await triage(ticket);
      results.push(result);
      progress.step(result, results.length, tickets.length);
      if (results.length * 3 >= tickets.length) chaos.strike();
    }
  };
  const lanes = Math.max(1, runtime.workers().length) * inFlightPerWorker;
  await Promise.all(Array.from({ length: lanes }, lane));
  process.off("SIGINT", onInterrupt);
  return {
    results,
    workersKilled: chaos.workersKilled,
    firstCallMs,
    ...(interruptedAt === undefined ? {} : { interrupted: interruptedStatus }),
  };
}
