import { systemClock } from "@dspex/core";
import type { Session } from "@dspex/sessions";
import type { Runtime } from "../runtime.ts";
import { createChaos } from "./chaos.ts";
import type { DemoEndpoints } from "./endpoints.ts";
import { readHelpArticles } from "./help-articles.ts";
import type { Progress } from "./progress.ts";
import { createSupportPipeline } from "./support-desk.ts";
import type { TicketResult } from "./ticket-result.ts";
import type { Ticket } from "./tickets.ts";

export interface JobOutcome {
  readonly results: readonly TicketResult[];
  readonly workersKilled: number;
  /** Conversations that were opened. */
  readonly sessions: number;
  /** From the start of the process to the first call, in milliseconds. */
  readonly firstCallMs: number | null;
  /** When the slowed endpoint became slow, on the clock of telemetry; `null` when none did. */
  readonly slowedAtMs: number | null;
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
 * Sends every ticket through the pipeline. After a third of them a busy worker is killed, half-way an endpoint becomes slow.
 * SIGINT takes no further ticket and lets the others finish; a second one ends the process at once, and the guardian its
 * workers.
 */
export async function runJob(
  runtime: Runtime,
  endpoints: DemoEndpoints,
  tickets: readonly Ticket[],
  progress: Progress,
): Promise<JobOutcome> {
  const chaos = createChaos(runtime);
  const sessions = new Map<string, Promise<Session>>();
  const support = createSupportPipeline({
    runtime,
    endpoints: Object.keys(endpoints.lm),
    articles: readHelpArticles(),
    conversation(customer) {
      const session = sessions.get(customer) ?? runtime.session(customer);
      sessions.set(customer, session);
      return session;
    },
  });
  const results: TicketResult[] = [];
  const waiting = tickets.values();
  let firstCallMs: number | null = null;
  let slowedAtMs: number | null = null;
  let interruptedAt: number | undefined;

  const onInterrupt = (): void => {
    if (interruptedAt === undefined) {
      interruptedAt = performance.now();
      progress.note("Stopping: the tickets on their way are finished. Once more to stop at once.");
    } else if (performance.now() - interruptedAt > sameKeystrokeMs) process.exit(interruptedStatus);
  };
  const disturb = (): void => {
    if (results.length * 3 >= tickets.length) chaos.strike();
    if (endpoints.slow === undefined || slowedAtMs !== null || results.length * 2 < tickets.length) return;
    slowedAtMs = systemClock.now();
    endpoints.slow.start();
    progress.note(`Endpoint ${endpoints.slow.endpoint} becomes slow.`);
  };

  process.on("SIGINT", onInterrupt);
  const lane = async (): Promise<void> => {
    for (const ticket of waiting) {
      if (interruptedAt !== undefined) return;
      firstCallMs ??= performance.now();
      const outcome = await runtime.run(support, ticket, { restart: "transient" }).tryResult();
      const result: TicketResult = outcome.ok
        ? { ticket, ok: true, answer: outcome.value }
        : { ticket, ok: false, code: outcome.error.code, message: outcome.error.message };
      results.push(result);
      progress.step(result, results.length, tickets.length);
      disturb();
    }
  };
  const lanes = Math.max(1, runtime.workers().length) * inFlightPerWorker;
  await Promise.all(Array.from({ length: lanes }, lane));
  process.off("SIGINT", onInterrupt);
  return {
    results,
    workersKilled: chaos.workersKilled,
    sessions: sessions.size,
    firstCallMs,
    slowedAtMs,
    ...(interruptedAt === undefined ? {} : { interrupted: interruptedStatus }),
  };
}
