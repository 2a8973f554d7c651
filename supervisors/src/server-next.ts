import { durationOption, systemClock, type Timer } from "@dspex/core";
import type { AnyActorRef, EventObject } from "xstate";
import { incarnationOf } from "./incarnation.ts";

/** What a server receives next without anybody sending it. */
export type Next<Message> =
  /** At once, before any other message (OTP's `continue`). */
  | { readonly continue: Message }
  /** If no message comes for `timeoutMs` milliseconds; any message calls it off. */
  | { readonly timeoutMs: number; readonly timeout: Message };

/** Returned in place of a state: the state, and what comes next. */
export class NoReply<State, Message> {
  readonly state: State;
  readonly next: Next<Message>;

  constructor(state: State, next: Next<Message>) {
    this.state = state;
    this.next = next;
  }
}

/**
 * OTP's `{noreply, State, Timeout}` and `{noreply, State, {continue, …}}`, to be returned by `init` and `receive` of a server.
 * A request is answered through its `Reply` in any case.
 *
 * @throws DspexError `ERR_INVALID_OPTION` for a bad `timeoutMs`.
 */
export function noreply<State, Message>(state: State, next: Next<Message>): NoReply<State, Message> {
  if ("timeoutMs" in next) durationOption("timeoutMs", next.timeoutMs, { default: 0 });
  return new NoReply(state, next);
}

/** Tells a server that what it wanted next is due. */
export interface NextEvent {
  readonly type: "otp.next";
  readonly next: Next<EventObject>;
}

const timers = new WeakMap<AnyActorRef, Timer>();

/** Sees to it that the server is told in time. */
export function announceNext(self: AnyActorRef, next: Next<EventObject>): void {
  const due = (): void => self.send({ type: "otp.next", next } satisfies NextEvent);
  if ("continue" in next) return due();
  const clock = incarnationOf(self)?.clock ?? systemClock;
  timers.set(self, clock.setTimeout(due, next.timeoutMs));
}

export function callOffNext(self: AnyActorRef): void {
  timers.get(self)?.cancel();
}

export function messageIn(next: Next<EventObject>): EventObject {
  return "continue" in next ? next.continue : next.timeout;
}
