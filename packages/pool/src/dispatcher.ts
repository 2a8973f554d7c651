import { DspexError, type Clock } from "@dspex/core";
import { server, type ChildSpec } from "@dspex/supervisors";
import type { Call, CallRequest } from "./call.ts";
import { CallQueue } from "./call-queue.ts";
import { chooseWorker } from "./choose-worker.ts";
import type { WorkerSession } from "./worker-session.ts";

export type DispatcherMessage =
  /** A new call. */
  | { readonly type: "call"; readonly call: Call }
  /** A call that had its place already: its worker died, or gave it back. */
  | { readonly type: "again"; readonly call: Call }
  /** A worker has room. */
  | { readonly type: "room" };

export interface DispatcherOptions {
  readonly pool: string;
  readonly queueLimit: number;
  readonly clock: Clock;
  /** Calls that were sent to it and that it has not taken: a message can die with whom it was sent to. */
  readonly inbox: Set<Call>;
  /** The workers that are ready, whoever they are at this moment. */
  readonly workers: ReadonlySet<WorkerSession>;
}

/**
 * Hands the calls of a pool to its workers: to the least loaded one that has room, else into the queue, in order. It keeps
 * nothing but the queue, so when it is restarted the workers are simply there; the calls that waited in the old one settle.
 */
export function dispatcherSpec(name: string, options: DispatcherOptions): ChildSpec {
  const { pool, clock, inbox, workers, queueLimit } = options;

  const choose = ({ request }: Call): WorkerSession | undefined =>
    chooseWorker(workers, request.affinity, isNested(request));
  const dispatch = (queue: CallQueue<Call>): void => {
    while (queue.size > 0) {
      const worker = choose(queue.first()!);
      if (worker === undefined) return;
      worker.run(queue.shift()!);
    }
  };
  const take = (queue: CallQueue<Call>, call: Call, again: boolean): void => {
    inbox.delete(call);
    if (call.settled) return;
    call.queued(clock.now());
    const nested = isNested(call.request);
    // Nor does a call that is made inside of another one wait for those in the queue: they may wait for that one.
    const worker = nested || queue.size === 0 ? choose(call) : undefined;
    if (worker !== undefined) return worker.run(call);
    call.onAbandon = () => queue.delete(call);
    if (again || nested) queue.pushFirst(call);
    else if (!queue.push(call)) call.fail(queueFull(pool, queueLimit));
  };

  return {
    id: "dispatcher",
    name,
    start: () =>
      server<CallQueue<Call>, DispatcherMessage>({
        init({ self }) {
          const queue = new CallQueue<Call>(queueLimit);
          const settleQueued = (): void => {
            for (let call = queue.shift(); call !== undefined; call = queue.shift())
              call.fail(restarted(pool));
            for (const call of inbox) call.fail(restarted(pool));
            inbox.clear();
          };
          self.subscribe({ complete: settleQueued, error: settleQueued });
          return queue;
        },
        receive(queue, message) {
          if (message.type === "room") dispatch(queue);
          else take(queue, message.call, message.type === "again");
          return queue;
        },
      }),
  };
}

function isNested({ depth = 0 }: CallRequest): boolean {
  return depth > 0;
}

/** Refuses a call for which there is no place to wait. */
export function queueFull(pool: string, limit: number): DspexError<"ERR_QUEUE_FULL"> {
  return new DspexError(
    "ERR_QUEUE_FULL",
    `Pool "${pool}" has ${limit} calls waiting, its limit. Slow down, raise queueLimit, or add workers.`,
    { details: { pool, limit }, retryable: true },
  );
}

function restarted(pool: string): DspexError<"ERR_POOL_RESTARTED"> {
  return new DspexError(
    "ERR_POOL_RESTARTED",
    `The dispatcher of pool "${pool}" was restarted while the call waited in it.`,
    {
      details: { pool },
      retryable: true,
    },
  );
}
