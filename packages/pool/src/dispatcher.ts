import type { Clock, DspexError } from "@dspex/core";
import { server, type ChildSpec } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";
import { strictKey, type Pins } from "./affinity.ts";
import type { Call, CallRequest } from "./call.ts";
import { CallQueue, type QueueLimits } from "./call-queue.ts";
import { chooseWorker, hasRoom } from "./choose-worker.ts";
import type { FairQueue, Place } from "./fair-queue.ts";
import { queueFull, queueTimeout, restarted, workerBusy, workerUnavailable } from "./refusals.ts";
import type { WorkerSession } from "./worker-session.ts";

export type DispatcherMessage =
  /** A new call. */
  | { readonly type: "call"; readonly call: Call }
  /** A call that had its place already: its worker died, or gave it back. */
  | { readonly type: "again"; readonly call: Call }
  /** A worker has room, or takes no further call. */
  | { readonly type: "room" }
  /** Nobody is to wait any longer. */
  | { readonly type: "refuse"; readonly error: DspexError };

export interface DispatcherOptions {
  readonly pool: string;
  readonly limits: QueueLimits;
  /** For calls that name none, in milliseconds. */
  readonly queueTimeoutMs: number;
  readonly clock: Clock;
  readonly telemetry: TelemetryBus;
  /** Calls that were sent to it and that it has not taken: a message can die with whom it was sent to. */
  readonly inbox: Set<Call>;
  /** The workers that are ready, whoever they are at this moment. */
  readonly workers: ReadonlySet<WorkerSession>;
  /** Where strict affinity keys are at home. */
  readonly pins: Pins<WorkerSession>;
  /** Settles a call that the pool does not run; it leaves the queue by that. */
  readonly reject: (call: Call, error: DspexError) => void;
}

type Queue = CallQueue<Call, WorkerSession>;

/**
 * Hands the calls of a pool to its workers: to the least loaded one that has room, else into the queue. It keeps
 * nothing but the queue, so when it is restarted the workers are simply there; the calls that waited in the old one settle.
 *
 * While a worker has room nobody waits who could run on it: whatever makes room is told here as `room`.
 */
export function dispatcherSpec(name: string, options: DispatcherOptions): ChildSpec {
  const { pool, clock, telemetry, inbox, workers, pins, reject } = options;

  const choose = ({ request }: Call): WorkerSession | undefined =>
    chooseWorker(workers, request.affinity?.key, isNested(request));
  const run = (call: Call, worker: WorkerSession): void => {
    const key = strictKey(call.request.affinity);
    if (key !== undefined) pins.pin(key, worker);
    worker.run(call);
  };
  const refuseAll = (queue: Queue, waiting: FairQueue<Call>, refusal: (call: Call) => DspexError): void => {
    for (let place = waiting.first; place !== undefined; place = waiting.first) {
      const call = queue.take(place);
      reject(call, refusal(call));
    }
  };
  /** What waits for a worker that is gone fails; the key's next call finds a new home. */
  const homeGone = ({ request }: Call): DspexError => {
    const key = strictKey(request.affinity)!;
    pins.release(key);
    return workerUnavailable(pool, key);
  };
  /** Serves those that wait for one worker, as far as it is their turn. */
  const dispatchBound = (queue: Queue): void => {
    for (const [worker, waiting] of queue.bound) {
      if (worker.capacity === 0) refuseAll(queue, waiting, homeGone);
      else while (hasRoom(worker) && waiting.before(queue.free)) run(queue.take(waiting.first!), worker);
    }
  };
  const dispatch = (queue: Queue): void => {
    for (;;) {
      dispatchBound(queue);
      const place = queue.free.first;
      if (place === undefined) return;
      const { item: call } = place;
      const key = strictKey(call.request.affinity);
      const home = key === undefined ? undefined : pins.home(key);
      if (home === undefined) {
        const worker = choose(call);
        if (worker === undefined) return;
        run(queue.take(place), worker);
      } else if (home === "gone") {
        reject(call, homeGone(call));
      } else {
        // Its key was pinned while it waited.
        queue.take(place);
        stay(queue, call, queue.pushAgain(call, home));
      }
    }
  };
  const stay = (queue: Queue, call: Call, place: Place<Call>): void => {
    call.onAbandon = () => queue.leave(place);
  };
  const take = (queue: Queue, call: Call, again: boolean): void => {
    inbox.delete(call);
    if (call.settled) return;
    call.queued(clock.now());
    const { request } = call;
    const nested = isNested(request);
    const key = strictKey(request.affinity);
    const home = key === undefined ? undefined : pins.home(key);
    if (home === "gone") return reject(call, homeGone(call));
    // Nor does a call that is made inside of another one wait for those in the queue: they may wait for that one.
    const worker =
      home === undefined
        ? nested || queue.free.empty
          ? choose(call)
          : undefined
        : hasRoom(home, nested)
          ? home
          : undefined;
    if (worker !== undefined && (nested || !queue.bound.has(worker))) return run(call, worker);
    if (request.affinity?.mode === "strict_fail_fast") return reject(call, workerBusy(pool, key!));
    const place = again || nested ? queue.pushAgain(call, home) : queue.push(call, home);
    if (typeof place === "string")
      return reject(call, queueFull(pool, options.limits, place, request.tenant));
    stay(queue, call, place);
    const { callId, tenant, queueTimeoutMs = options.queueTimeoutMs } = request;
    call.limitWait(queueTimeoutMs, clock, () => reject(call, queueTimeout(pool, queueTimeoutMs)));
    telemetry.emit("pool.call.queued", { pool, callId, tenant, waiting: queue.size });
  };

  return {
    id: "dispatcher",
    name,
    start: () =>
      server<Queue, DispatcherMessage>({
        init({ self }) {
          const queue: Queue = new CallQueue(options.limits);
          const settleQueued = (): void => {
            for (const waiting of [queue.free, ...queue.bound.values()])
              refuseAll(queue, waiting, () => restarted(pool));
            for (const call of inbox) reject(call, restarted(pool));
            inbox.clear();
          };
          self.subscribe({ complete: settleQueued, error: settleQueued });
          return queue;
        },
        receive(queue, message) {
          switch (message.type) {
            case "room":
              if (queue.size > 0) dispatch(queue);
              break;
            case "refuse":
              for (const waiting of [queue.free, ...queue.bound.values()])
                refuseAll(queue, waiting, () => message.error);
              break;
            default:
              take(queue, message.call, message.type === "again");
          }
          return queue;
        },
      }),
  };
}

function isNested({ depth = 0 }: CallRequest): boolean {
  return depth > 0;
}
