import type { Clock, Timer } from "@dspex/core";
import type { AnyActorRef } from "xstate";
import type { Child } from "./child.ts";
import type { ExitReason } from "./exit-reason.ts";
import { Mailbox, mailboxOf, type MailboxLimits } from "./mailbox.ts";
import type { ChildReport } from "./report.ts";
import type { SupervisorCore } from "./supervisor-core.ts";

/** One life of a child, from a start to its end: its actor, its messages and its timers. */
export class Incarnation extends Mailbox {
  readonly child: Child;
  /** 1 for the first of this child. */
  readonly generation: number;
  readonly startedAtMs: number;
  /** Whether it answers `otp.shutdown`. */
  trapsExit = false;
  /** The inside of a child supervisor, for the tree. */
  inner: SupervisorCore | undefined;
  /** It announced that it is initialised. */
  ready = false;
  #timers: Set<Timer> | undefined;

  constructor(child: Child) {
    const { clock, queue } = child.supervisor.around;
    super(queue);
    this.child = child;
    this.generation = child.generation;
    this.startedAtMs = clock.now();
  }

  get alive(): boolean {
    return this.child.incarnation === this;
  }

  get supervises(): boolean {
    return this.inner !== undefined;
  }

  get limits(): MailboxLimits {
    return this.child.spec.mailbox;
  }

  end(reason: ExitReason): void {
    this.child.supervisor.runner.end(this, reason);
  }

  overflowed(): void {
    this.#report({ report: "mailbox_full", ...this.limits });
  }

  /** A failure in its code when no handler of it ran. One that comes after its end ends nobody. */
  failed(error: unknown): void {
    if (this.alive) this.end({ error });
    else this.#report({ report: "late_failure", reason: { error } });
  }

  announceReady(): void {
    if (this.child.generation !== this.generation || this.child.status !== "starting") return;
    this.ready = true;
    this.child.supervisor.wake();
  }

  /** The application's clock; its timers fire only while this incarnation lives. */
  get clock(): Clock {
    const { clock } = this.child.supervisor.around;
    return {
      now: () => clock.now(),
      setTimeout: (callback, delayMs) => {
        const timers = (this.#timers ??= new Set());
        const timer = clock.setTimeout(() => {
          timers.delete(own);
          callback();
        }, delayMs);
        const own: Timer = {
          cancel() {
            timers.delete(own);
            timer.cancel();
          },
        };
        timers.add(own);
        return own;
      },
    };
  }

  cancelTimers(): void {
    for (const timer of this.#timers ?? []) timer.cancel();
  }

  #report(what: ChildReport): void {
    this.child.supervisor.runner.report({ id: this.child.id, generation: this.generation }, what);
  }
}

/** The incarnation that this actor is, or was; `undefined` for an actor that no supervisor started. */
export function incarnationOf(ref: AnyActorRef): Incarnation | undefined {
  const mailbox = mailboxOf(ref);
  return mailbox instanceof Incarnation ? mailbox : undefined;
}
