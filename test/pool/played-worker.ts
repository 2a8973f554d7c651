import { PassThrough } from "node:stream";
import { AttemptBudget, createManualClock, Deadline } from "@dspex/core";
import type { OsProcess, UpcallHandler } from "@dspex/pool";
import { kinds, msgpackCodec, toWire, type WireValue } from "@dspex/python-bridge";
import { Call, type CallOutcome } from "../../packages/pool/src/call.ts";
import { WorkerSession } from "../../packages/pool/src/worker-session.ts";

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A session with a worker that the test plays, frame by frame; it has said READY. */
export async function playedWorker(
  ready: { readonly maxFrameBytes: number; readonly capabilities?: readonly string[] },
  times: { readonly heartbeatMs: number; readonly cancelGraceMs: number },
  upcalls: Partial<UpcallHandler> = {},
) {
  const clock = createManualClock();
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const signals: string[] = [];
  const broken: unknown[] = [];
  const late: string[] = [];
  let rooms = 0;
  const process: OsProcess = {
    pid: 1,
    stdin,
    stdout,
    stderr,
    exited: new Promise(() => {}),
    signal: (name) => void signals.push(name),
    kill() {},
  };
  const session = new WorkerSession({
    process,
    hello: {
      runId: "r",
      workerId: "w",
      maxFrameBytes: 100_000,
      threads: 1,
      maxInFlight: 10,
      paths: [],
      seams: {},
      warmUp: [],
    },
    ...times,
    maxMissed: 3,
    maxBusyMs: 60_000,
    clock,
    readProcess: () => Promise.resolve(undefined),
    upcalls: {
      handle: () => Promise.resolve(null),
      stream: () => undefined,
      pythonErrorName: () => "LMUnexpectedError",
      ...upcalls,
    },
    onReady() {},
    onRoom: () => (rooms += 1),
    onReturned() {},
    onBroken: (error) => broken.push(error),
    onLate: (why) => late.push(why),
    onMissed() {},
    onLog() {},
    onLimit() {},
    onHeartbeat() {},
  });
  const says = async (kind: number, value: unknown): Promise<void> => {
    stdout.write(msgpackCodec.encode(kind, toWire(value), new Set()).frame);
    await turn();
  };
  await says(kinds.ready, {
    protocol: 1,
    pid: 1,
    python: "3",
    dspy: "3",
    maxInFlight: 10,
    seams: {},
    ...ready,
  });
  const outcomes: CallOutcome[] = [];
  /** Gives it a call; aborting what comes back cancels it. */
  const run = (input: WireValue = []): AbortController => {
    const controller = new AbortController();
    const call = new Call(
      {
        callId: "call-1",
        target: { function: "m:f" },
        input,
        context: {},
        deadline: new Deadline(clock, Infinity),
        budget: new AttemptBudget(0),
        idempotent: false,
        signal: controller.signal,
      },
      (outcome) => outcomes.push(outcome),
    );
    call.watch();
    session.run(call);
    return controller;
  };
  return { run, outcomes, session, clock, stdin, stderr, signals, broken, late, says, rooms: () => rooms };
}
