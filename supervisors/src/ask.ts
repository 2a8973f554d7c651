import { Deadline, DspexError, systemClock, type Clock, type Timer } from "@dspex/core";
import type { ActorRef, EventObject, Snapshot } from "xstate";
import { isAlive, noProcess } from "./alive.ts";
import { mailboxOf } from "./mailbox.ts";
import type { Reply } from "./reply.ts";

export interface AskOptions {
  /** How long to wait for the answer. Ignored when a `deadline` is given. @default 5_000 */
  readonly timeoutMs?: number;
  /** The deadline of the call that this request is part of. */
  readonly deadline?: Deadline;
  /** @default systemClock */
  readonly clock?: Clock;
  /** Gives up waiting. */
  readonly signal?: AbortSignal;
}

/**
 * Sends a request and waits for its answer (OTP's `gen_server:call`). `build` makes the event; the actor answers through the
 * {@link Reply} in it, now or later. Whatever comes first settles it, and nothing is left behind.
 *
 * @throws DspexError `ERR_NO_PROCESS` as soon as the actor ends without an answer, also when it had ended before;
 * `ERR_MAILBOX_FULL` when its mailbox has no room; `ERR_DEADLINE_EXCEEDED`; `ERR_CANCELLED`; or what the actor rejected with.
 */
export function ask<T, E extends EventObject = EventObject>(
  ref: ActorRef<Snapshot<unknown>, E>,
  build: (reply: Reply<T>) => E,
  options: AskOptions = {},
): Promise<T> {
  const { signal, clock = systemClock } = options;
  const { timeoutMs = 5_000 } = options;
  const deadline = options.deadline ?? (timeoutMs === Infinity ? undefined : new Deadline(clock, timeoutMs));
  return new Promise<T>((resolve, reject) => {
    let settled = false;
    let timer: Timer | undefined;
    const settle = (outcome: () => void): void => {
      if (settled) return;
      settled = true;
      timer?.cancel();
      subscription?.unsubscribe();
      signal?.removeEventListener("abort", abort);
      outcome();
    };
    const fail = (error: unknown): void => settle(() => reject(error));
    const gone = (cause?: unknown): void => fail(noProcess(ref, cause));
    const abort = (): void =>
      fail(
        new DspexError("ERR_CANCELLED", `The request to ${ref.id} was cancelled.`, {
          details: { where: `waiting for ${ref.id}` },
          cause: signal?.reason,
        }),
      );

    const subscription = isAlive(ref) ? ref.subscribe({ complete: () => gone(), error: gone }) : undefined;
    if (subscription === undefined) return gone();
    if (signal?.aborted) return abort();
    if (deadline?.passed === true) return fail(deadline.error(`waiting for ${ref.id}`));
    signal?.addEventListener("abort", abort);
    if (deadline !== undefined && deadline.atMs !== Infinity)
      timer = clock.setTimeout(() => fail(deadline.error(`waiting for ${ref.id}`)), deadline.remainingMs);
    const event = build({ resolve: (value) => settle(() => resolve(value)), reject: fail });
    const mailbox = mailboxOf(ref);
    if (mailbox === undefined) ref.send(event);
    else if (!mailbox.post(event)) fail(mailbox.fullError());
  });
}
