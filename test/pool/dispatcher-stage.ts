import { AttemptBudget, createManualClock, Deadline, type Clock, type DspexError } from "@dspex/core";
import { startApplication } from "@dspex/supervisors";
import { createTelemetryBus, type TelemetryEvent } from "@dspex/telemetry";
import { Pins } from "../../packages/pool/src/affinity.ts";
import { Call, type CallOutcome, type CallRequest } from "../../packages/pool/src/call.ts";
import { dispatcherSpec, type DispatcherMessage } from "../../packages/pool/src/dispatcher.ts";
import type { WorkerSession } from "../../packages/pool/src/worker-session.ts";

/** What a dispatcher sees of a worker: it takes calls, and answers when the test says so. */
class PlayedWorker {
  readonly workerId: string;
  readonly place: number;
  readonly calls: Call[] = [];
  capacity: number;

  readonly #clock: Clock;

  constructor(workerId: string, place: number, capacity: number, clock: Clock) {
    this.place = place;
    this.#clock = clock;
    this.workerId = workerId;
    this.capacity = capacity;
  }

  get inFlight(): number {
    return this.calls.length;
  }

  run(call: Call): void {
    call.started(this.workerId, this.#clock.now());
    call.onAbandon = undefined;
    this.calls.push(call);
  }
}

/** A dispatcher with workers that the test plays; each takes `capacity` calls at a time. */
export async function dispatcherStage(names: readonly string[], capacity = 1, queueLimit = 100) {
  const clock = createManualClock();
  const telemetry = createTelemetryBus(clock);
  const events: TelemetryEvent[] = [];
  telemetry.onAny((event) => events.push(event));
  const workers = new Set(names.map((name, index) => new PlayedWorker(name, index + 1, capacity, clock)));
  const pins = new Pins<WorkerSession>();
  const inbox = new Set<Call>();
  const reject = (call: Call, error: DspexError): void => call.abandon(error);
  const app = await startApplication({
    strategy: "one_for_one",
    children: [
      dispatcherSpec("dispatcher", {
        pool: "p",
        limits: { limit: queueLimit, tenantLimit: queueLimit },
        queueTimeoutMs: Infinity,
        clock,
        telemetry,
        inbox,
        workers: workers as unknown as ReadonlySet<WorkerSession>,
        pins,
        reject,
      }),
    ],
  });
  const tell = (message: DispatcherMessage): void => app.registry.whereis("dispatcher")!.send(message);
  const outcomes = new Map<string, CallOutcome>();
  const call = (callId: string, request: Partial<CallRequest> = {}): Call => {
    const made = new Call(
      {
        callId,
        target: { function: "m:f" },
        input: [],
        context: {},
        deadline: new Deadline(clock, Infinity),
        budget: new AttemptBudget(0),
        idempotent: false,
        ...request,
      },
      (outcome) => {
        if (outcomes.has(callId)) throw new Error(`${callId} settled twice`);
        outcomes.set(callId, outcome);
      },
    );
    made.watch();
    inbox.add(made);
    tell({ type: "call", call: made });
    return made;
  };
  const worker = (name: string): PlayedWorker => [...workers].find(({ workerId }) => workerId === name)!;
  const info = { lane: "async", durationMs: 1, lmCalls: 0, usage: null } as const;
  return {
    call,
    clock,
    events,
    tell,
    /** What a worker runs. */
    on: (name: string): string[] => worker(name).calls.map(({ request }) => request.callId),
    /** Where a call runs. */
    where: (callId: string): string | undefined =>
      [...workers].find(({ calls }) => calls.some(({ request }) => request.callId === callId))?.workerId,
    /** A worker answers its first call. */
    answer(name: string): void {
      worker(name).calls.shift()!.succeed(null, info);
      tell({ type: "room" });
    },
    /** A worker takes no further call. */
    leaves(name: string): void {
      const gone = worker(name);
      gone.capacity = 0;
      workers.delete(gone);
      pins.forget(gone as unknown as WorkerSession);
      tell({ type: "room" });
    },
    outcome(callId: string): string | undefined {
      const outcome = outcomes.get(callId);
      return outcome === undefined ? undefined : outcome.ok ? "ok" : outcome.error.code;
    },
    error: (callId: string): DspexError => (outcomes.get(callId) as { readonly error: DspexError }).error,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}
