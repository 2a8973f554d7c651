import { createManualClock, deferred, DspexError, type Deferred, type ManualClock } from "@dspex/core";
import type { CallOptions, Meta, Outcome, Program, Turn } from "@dspex/programs";
import { createSessions, type Sessions, type SessionsOptions } from "@dspex/sessions";
import { createRegistry, startApplication, type Application } from "@dspex/supervisors";
import { createTelemetryBus, type TelemetryEvent } from "@dspex/telemetry";
import { afterEach } from "@jest/globals";

const stop: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const each of stop.splice(0)) await each();
});

/** Sessions under a real supervision tree, with a clock that only the test moves. */
export async function stage(options: SessionsOptions = {}): Promise<{
  readonly sessions: Sessions;
  readonly clock: ManualClock;
  readonly application: Application;
  readonly ended: TelemetryEvent<"session.ended">["fields"][];
}> {
  const clock = createManualClock();
  const registry = createRegistry();
  const telemetry = createTelemetryBus(clock);
  const ended: TelemetryEvent<"session.ended">["fields"][] = [];
  telemetry.on("session.ended", ({ fields }) => ended.push(fields));
  const { sessions, spec } = createSessions(options, { clock, registry, telemetry });
  const application = await startApplication({ children: [spec], clock, registry });
  stop.push(async () => {
    const stopped = application.stop();
    await turns();
    clock.advance(5_000); // what the test left running gets no longer
    await stopped;
  });
  return { sessions, clock, application, ended };
}

/** Lets everything happen that waits for nothing but its turn. */
export async function turns(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

export interface Question {
  readonly question: string;
}

export interface Answer {
  readonly answer: string;
}

/** A call that a program got, for the test to answer. It ends by itself when it is aborted. */
export interface ProgramCall {
  readonly input: Question;
  readonly history: readonly Turn[];
  readonly options: CallOptions;
  answer(text: string): Promise<void>;
  fail(): Promise<void>;
}

/** A program whose calls the test answers, in place of Python. */
export function fakeProgram(): {
  readonly program: Program<Question, Answer>;
  readonly calls: ProgramCall[];
} {
  const calls: ProgramCall[] = [];
  const meta: Meta = {
    callId: "call-1",
    operation: "fake",
    mode: "python",
    pool: "dspy",
    attempts: 1,
    durationMs: 1,
    queueMs: 0,
    lmCalls: 1,
    usage: {},
    adapterFallback: false,
  };
  const callable = (history: readonly Turn[]) => {
    const tryCall = (input: Question, options: CallOptions = {}): Promise<Outcome<Answer>> => {
      const outcome: Deferred<Outcome<Answer>> = deferred();
      const settle = (settled: Outcome<Answer>): Promise<void> => {
        outcome.resolve(settled);
        return turns();
      };
      const fail = (): Promise<void> =>
        settle({
          ok: false,
          meta,
          error: new DspexError("ERR_CANCELLED", "The call failed.", {
            details: { where: "in the fake program" },
          }),
        });
      options.signal?.addEventListener("abort", () => void fail());
      calls.push({
        input,
        history,
        options,
        answer: (answer) => settle({ ok: true, value: { answer }, meta }),
        fail,
      });
      return outcome.promise;
    };
    return { tryCall };
  };
  // What a session uses of a program.
  const program = { withHistory: callable } as unknown as Program<Question, Answer>;
  return { calls, program };
}
