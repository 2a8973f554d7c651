import { DspexError, type Clock, type Timer } from "@dspex/core";
import type { Turn } from "@dspex/programs";
import type { TelemetryBus } from "@dspex/telemetry";
import type { SessionCall } from "./call.ts";
import { sessionEnded, type SessionEnd } from "./end.ts";
import type { ResolvedSessionOptions } from "./options.ts";

export type SessionEvent =
  | { readonly type: "call" }
  | { readonly type: "settled" }
  | { readonly type: "expire" }
  | { readonly type: "end" }
  | { readonly type: "otp.shutdown" };

export interface SessionPorts {
  readonly clock: Clock;
  readonly telemetry: TelemetryBus;
}

/** What the machine's actions do: history, queue and timer of one session. Its end, whatever brings it, settles every call. */
export class SessionLife {
  readonly id: string;
  readonly options: ResolvedSessionOptions;
  readonly #ports: SessionPorts;
  readonly #openedAtMs: number;
  readonly #queue: SessionCall[] = [];
  #running: SessionCall | undefined;
  #history: readonly Turn[] = [];
  #turns = 0;
  #send: (event: SessionEvent) => void = () => {};
  #timer: Timer | undefined;
  /** Why it takes no further call. */
  #how: SessionEnd | undefined;
  #released = false;
  readonly #onReleased: () => void;

  constructor(id: string, options: ResolvedSessionOptions, ports: SessionPorts, onReleased: () => void) {
    this.id = id;
    this.options = options;
    this.#ports = ports;
    this.#openedAtMs = ports.clock.now();
    this.#onReleased = onReleased;
  }

  /** As it is at this moment; a later turn makes another list. */
  get history(): readonly Turn[] {
    return this.#history;
  }

  get waiting(): boolean {
    return this.#queue.length > 0;
  }

  /** It takes no further call. */
  get over(): boolean {
    return this.#how !== undefined;
  }

  own(
    send: (event: SessionEvent) => void,
    self: { subscribe: (observer: { complete: () => void; error: () => void }) => unknown },
  ): void {
    this.#send = send;
    const release = (): void => this.#release();
    self.subscribe({ complete: release, error: release });
    this.#ports.telemetry.emit("session.opened", { session: this.id, ttlMs: this.options.ttlMs });
  }

  /** Takes a call, or settles it with the reason why not. */
  accept(call: SessionCall): void {
    const { queueLimit } = this.options;
    if (this.#how !== undefined) return call.refuse(sessionEnded(this.id, this.#how));
    // Until the machine has its turn, the call that is to run next waits here too.
    const next = this.#running === undefined ? 1 : 0;
    if (this.#queue.length >= queueLimit + next) return call.refuse(busy(this.id, queueLimit));
    this.#queue.push(call);
    call.watch(() => this.#leave(call));
    this.#send({ type: "call" });
  }

  /** It takes no further call; it ends once those that it has are made. */
  close(): void {
    this.ends("ended");
    this.#send({ type: "end" });
  }

  /** Gives the next call its turn. */
  startNext(): void {
    const call = this.#queue.shift()!;
    this.#running = call;
    void call.run(this.#history, this.id, this.options.affinity).then((turn) => {
      if (this.#released) return;
      if (turn !== undefined) this.#append(turn);
      this.#running = undefined;
      this.#send({ type: "settled" });
    });
  }

  arm(): void {
    const { ttlMs } = this.options;
    if (ttlMs === Infinity) return;
    const { clock } = this.#ports;
    const expiresAtMs = clock.now() + ttlMs;
    const wait = (): void => {
      // A timer may be shorter than the time asked for: clocks have a longest delay.
      this.#timer = clock.setTimeout(
        () => (clock.now() >= expiresAtMs ? this.#send({ type: "expire" }) : wait()),
        expiresAtMs - clock.now(),
      );
    };
    wait();
  }

  disarm(): void {
    this.#timer?.cancel();
  }

  /** It takes no further call from here on, for this reason or an earlier one. */
  ends(how: SessionEnd): void {
    this.#how ??= how;
  }

  #append(turn: Turn): void {
    this.#turns += 1;
    this.#history = Object.freeze([...this.#history, Object.freeze(turn)].slice(-this.options.maxTurns));
  }

  #leave(call: SessionCall): void {
    const index = this.#queue.indexOf(call);
    if (index !== -1) this.#queue.splice(index, 1);
  }

  /** However the actor ended, also when it was killed: no call of it is left without an outcome. */
  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.disarm();
    this.#how ??= "crashed";
    const { clock, telemetry } = this.#ports;
    const error = sessionEnded(this.id, this.#how);
    this.#running?.refuse(error);
    for (const call of this.#queue.splice(0)) call.refuse(error);
    const durationMs = clock.now() - this.#openedAtMs;
    telemetry.emit("session.ended", { session: this.id, how: this.#how, turns: this.#turns, durationMs });
    this.#onReleased();
  }
}

function busy(session: string, limit: number): DspexError<"ERR_SESSION_BUSY"> {
  return new DspexError(
    "ERR_SESSION_BUSY",
    `Session "${session}" has ${limit} calls waiting; its calls run one after the other.`,
    {
      details: { session, limit },
      retryable: true,
    },
  );
}
