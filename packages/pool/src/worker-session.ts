import { nextLimit, type Clock, type DspexError, type Timer } from "@dspex/core";
import {
  messages,
  openConnection,
  violation,
  type CallInfo,
  type CodecName,
  type Connection,
  type Hello,
  type LogLevel,
  type Ready,
  type WireError,
  type WorkerMessage,
} from "@dspex/python-bridge";
import type { Call } from "./call.ts";
import { callError, refusedUnrun } from "./call-error.ts";
import type { WorkerLoad } from "./choose-worker.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { LivenessLimits, MissedPing } from "./liveness.ts";
import { OpenUpcalls } from "./open-upcalls.ts";
import type { OsProcess } from "./os-process.ts";
import type { ReadProcess } from "./process-state.ts";
import { readStacks } from "./python-stacks.ts";
import type { UpcallHandler } from "./upcall.ts";

export interface WorkerSessionOptions extends LivenessLimits {
  readonly process: OsProcess;
  readonly hello: Hello;
  /** How low the limit of calls at a time may go. @default as high as it may: it does not move */
  readonly minInFlight?: number;
  /** @default "msgpack" */
  readonly codec?: CodecName;
  readonly heartbeatMs: number;
  /** How long a call that was given up may go unanswered, or its code run on, in milliseconds. */
  readonly cancelGraceMs: number;
  readonly clock: Clock;
  readonly readProcess: ReadProcess;
  readonly upcalls: UpcallHandler;
  /** The handshake is done. */
  readonly onReady: (ready: Ready) => void;
  /** A call is over: there is room for another. */
  readonly onRoom: () => void;
  /** The worker did not run the call and another may. */
  readonly onReturned: (call: Call) => void;
  /** The worker broke the protocol, or its pipe broke. */
  readonly onBroken: (error: unknown) => void;
  /** A call that was given up does not end: nothing but the end of the process helps (G3). */
  readonly onLate: (why: string) => void;
  /** The worker left a PING unanswered. */
  readonly onMissed: (ping: MissedPing) => void;
  readonly onLog: (source: string, level: LogLevel, text: string) => void;
  readonly onLimit: (limit: number, lagMs: number) => void;
  readonly onHeartbeat: (health: { lagMs: number; inFlight: number; rssBytes: number | null }) => void;
}

/** Specs that a worker keeps (`docs/protocol.md` §4). */
const rememberedSpecs = 1_024;

type Pong = Extract<WorkerMessage, { readonly kind: "pong" }>;

/** A call in this worker. */
interface Running {
  readonly call: Call;
  /** When the worker was told to cancel it. */
  cancelledAtMs: number | undefined;
  /** What an endpoint of the host last threw at this call. */
  hostError: DspexError | undefined;
}

/**
 * The conversation with one worker process: calls out, upcalls in, one table of what is in flight. This is the hot
 * path, so it is a plain object; the worker's actor sees only its beginning and its end.
 */
export class WorkerSession implements WorkerLoad {
  readonly workerId: string;
  /** Its place among the workers that take calls; 0 for none ({@link Roster}). */
  place = 0;
  readonly #options: WorkerSessionOptions;
  readonly #connection: Connection;
  readonly #running = new Map<number, Running>();
  readonly #upcalls: OpenUpcalls;
  /** Specs that the worker has been given. */
  readonly #specs = new Set<string>();
  #lastId = 0;
  #health: Pick<Pong, "lagMs" | "rssBytes"> | undefined;
  /** The last PING, and the calls that had been sent whole before it. */
  #ping: { readonly n: number; readonly sent: ReadonlySet<number> } = { n: 0, sent: new Set() };
  readonly #heartbeat: Heartbeat;
  /** Armed while a call that was given up may still run. */
  #grace: { readonly timer: Timer; readonly atMs: number } | undefined;
  #capacity = 0;
  #maxCapacity = 0;
  /** Calls that it has answered since the limit was last looked at, and when that was. */
  #answered = 0;
  #lookedAtMs = 0;
  #pid = 0;

  constructor(options: WorkerSessionOptions) {
    const { process, hello, codec = "msgpack", clock } = options;
    this.#options = options;
    this.workerId = hello.workerId;
    this.#connection = openConnection(
      { readable: process.stdout, writable: process.stdin },
      { maxFrameBytes: hello.maxFrameBytes, codec },
      {
        onMessage: (message) => this.#receive(message),
        onEnd: (error) => {
          // Whatever is wrong, this worker gets no further call.
          this.#capacity = 0;
          if (error !== undefined) options.onBroken(error);
        },
      },
    );
    this.#heartbeat = new Heartbeat({
      ...options,
      ping: () => this.#sendPing(),
      look: () => options.readProcess(this.#pid),
    });
    this.#upcalls = new OpenUpcalls(options.upcalls, (message) => this.#connection.send(message));
    this.#connection.send(messages.hello(hello, clock.now()));
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** The worker's process; 0 before the handshake. */
  get pid(): number {
    return this.#pid;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Calls that it was given. */
  get calls(): number {
    return this.#lastId;
  }

  /** What its latest PONG said. */
  get health(): Pick<Pong, "lagMs" | "rssBytes"> | undefined {
    return this.#health;
  }

  /** Gives the worker a call. It settles here, or comes back through `onReturned`, or in {@link end}. */
  run(call: Call): void {
    const { request } = call;
    const id = (this.#lastId += 1);
    call.started(this.workerId, this.#options.clock.now());
    this.#running.set(id, { call, cancelledAtMs: undefined, hostError: undefined });
    call.onAbandon = () => this.#cancel(id);
    request.stream?.attach((n) => this.#connection.send(messages.credit(id, n)));
    try {
      if (
        request.spec !== undefined &&
        "program" in request.target &&
        !this.#specs.has(request.target.program)
      ) {
        this.#connection.send(messages.put(request.target.program, request.spec));
        this.#remember(request.target.program);
      }
      this.#connection.send(
        messages.call(id, request.target, request.input, request.deadline.atMs, request.context),
      );
    } catch (error) {
      // The value was too large: nothing has reached the worker.
      this.#running.delete(id);
      call.fail(error as DspexError);
      this.#options.onRoom();
    }
  }

  /** Gives the worker no further call. Those that wait for it and no other need not wait for its end. */
  close(): void {
    this.#capacity = 0;
    this.#options.onRoom();
  }

  /** Asks the worker to finish what it has and leave. */
  drain(): void {
    this.#connection.send(messages.drain());
    this.close();
  }

  /** What the threads of the worker are doing, also while it hangs. */
  stacks(): Promise<string> {
    return readStacks(this.#options.process, this.#options.clock);
  }

  /** The process is gone. Returns the calls that were in flight and have not settled. */
  end(): readonly Call[] {
    this.#capacity = 0;
    this.#heartbeat.stop();
    this.#grace?.timer.cancel();
    this.#upcalls.giveUpAll();
    const lost = [...this.#running.values()].map(({ call }) => call).filter((call) => !call.settled);
    this.#running.clear();
    return lost;
  }

  #receive(message: WorkerMessage): void {
    switch (message.kind) {
      case "result":
        return this.#take(message.id).call.succeed(message.value, message.info);
      case "error":
        return this.#refused(message.id, message.error, message.info);
      case "upcall":
        return this.#answer(message.id, message.callId, message.service, message.payload);
      case "upcancel":
        return this.#upcalls.giveUp(message.id);
      case "stream":
        return this.#item(message.id, message.item);
      case "credit":
        return this.#upcalls.credit(message.id, message.n);
      case "log":
        return this.#options.onLog(message.source, message.level, message.text);
      case "pong":
        return this.#pong(message);
      case "ready":
        return this.#ready(message.ready);
      case "bye":
        return this.#bye();
    }
  }

  #ready(ready: Ready): void {
    if (this.#pid !== 0) throw violation("a second READY");
    this.#capacity = ready.maxInFlight;
    this.#maxCapacity = ready.maxInFlight;
    this.#lookedAtMs = this.#options.clock.now();
    this.#pid = ready.pid;
    // The first ping comes right after the handshake: it tells the worker how the two clocks differ (protocol §4).
    this.#heartbeat.beat();
    this.#options.onReady(ready);
  }

  #sendPing(): void {
    const sent = [...this.#running.keys()].filter((id) => !this.#connection.isLeaving(id));
    this.#ping = { n: this.#ping.n + 1, sent: new Set(sent) };
    this.#connection.send(messages.ping(this.#ping.n, this.#options.clock.now()));
  }

  #pong(pong: Pong): void {
    const { n, lagMs, inFlight, abandoned, abandonedMs, rssBytes } = pong;
    const { cancelGraceMs, onHeartbeat, onLate } = this.#options;
    this.#health = pong;
    this.#heartbeat.answered();
    onHeartbeat({ lagMs, inFlight: inFlight.length, rssBytes });
    this.#moveLimit(lagMs);
    if (n === this.#ping.n) this.#checkLost(inFlight);
    if (abandonedMs >= cancelGraceMs) onLate(`code of a call ran on for ${cancelGraceMs} ms after its end`);
    else if (abandoned > 0) this.#watchGrace(cancelGraceMs - abandonedMs);
  }

  /** Once a heartbeat: what was seen in a shorter time says little of the calls. */
  #moveLimit(lagMs: number): void {
    const { clock, heartbeatMs, minInFlight: min = Infinity, onLimit, onRoom } = this.#options;
    const elapsedMs = clock.now() - this.#lookedAtMs;
    if (this.#capacity === 0 || elapsedMs < heartbeatMs / 2) return;
    const before = this.#capacity;
    const bounds = { min: Math.min(min, this.#maxCapacity), max: this.#maxCapacity };
    const sample = { lagMs, inFlight: this.#running.size, answered: this.#answered, elapsedMs };
    this.#capacity = nextLimit(before, bounds, sample);
    this.#answered = 0;
    this.#lookedAtMs = clock.now();
    if (this.#capacity !== before) onLimit(this.#capacity, lagMs);
    if (this.#capacity > before) onRoom();
  }

  /** A call that was sent before the PING, and of which the worker neither knows nor has answers on their way, is lost (G1). */
  #checkLost(inFlight: readonly number[]): void {
    const known = new Set(inFlight);
    for (const id of this.#ping.sent)
      if (this.#running.has(id) && !known.has(id)) throw violation(`call ${id} was never answered`);
  }

  #take(id: number): Running {
    const running = this.#running.get(id);
    // An id that is not in the table has been answered already: the worker is not to be trusted any more.
    if (running === undefined) throw violation(`an answer to call ${id}, which is not in flight`);
    this.#running.delete(id);
    this.#answered += 1;
    // After this turn, when the outcome has been delivered and a next call may have been made.
    this.#options.onRoom();
    return running;
  }

  #refused(id: number, error: WireError, info: CallInfo | undefined): void {
    const { call, hostError } = this.#take(id);
    const { target } = call.request;
    // It was answered at once; its code may run on.
    if (error.code === "cancelled" || error.code === "deadline_exceeded")
      this.#watchGrace(this.#options.cancelGraceMs);
    const unknownSpec = error.code === "unknown_spec" && "program" in target;
    if (unknownSpec) this.#specs.delete(target.program);
    // A worker that drains of itself (SIGTERM) says so with its first refusal.
    if (error.code === "draining") this.#capacity = 0;
    if (call.settled) return;
    if (!unknownSpec && !refusedUnrun(error)) return call.fail(callError(call, error, hostError), info);
    call.returned();
    this.#options.onReturned(call);
  }

  /** The worker had answered all that it had taken: what is left was still on its way to it, and never ran. */
  #bye(): void {
    this.#capacity = 0;
    const untaken = [...this.#running.values()];
    this.#running.clear();
    for (const { call } of untaken) {
      if (call.settled) continue;
      call.returned();
      this.#options.onReturned(call);
    }
  }

  #cancel(id: number): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    if (this.#connection.withdrawCall(id)) {
      this.#running.delete(id);
      return this.#options.onRoom();
    }
    running.cancelledAtMs = this.#options.clock.now();
    this.#connection.send(messages.cancel(id));
    this.#watchGrace(this.#options.cancelGraceMs);
  }

  /** Looks after `delayMs` whether what was given up has ended, unless somebody looks before. */
  #watchGrace(delayMs: number): void {
    const { clock } = this.#options;
    const atMs = clock.now() + delayMs;
    if (this.#grace !== undefined && this.#grace.atMs <= atMs) return;
    this.#grace?.timer.cancel();
    this.#grace = { timer: clock.setTimeout(() => this.#checkGrace(), delayMs), atMs };
  }

  /**
   * Python answers a cancellation at once unless its loop hangs, which shows here. Of calls that it has answered only the worker knows
   * whether their code has ended: its PONG says so.
   */
  #checkGrace(): void {
    const { clock, cancelGraceMs, onLate } = this.#options;
    this.#grace = undefined;
    let oldestMs = Infinity;
    for (const { cancelledAtMs = Infinity } of this.#running.values())
      oldestMs = Math.min(oldestMs, cancelledAtMs);
    const leftMs = oldestMs + cancelGraceMs - clock.now();
    if (leftMs <= 0) return onLate(`it did not answer a cancelled call within ${cancelGraceMs} ms`);
    if (leftMs < Infinity) this.#watchGrace(leftMs);
    this.#sendPing();
  }

  /** The worker keeps as many specs; one that either side forgot is sent again. */
  #remember(hash: string): void {
    this.#specs.add(hash);
    if (this.#specs.size > rememberedSpecs) this.#specs.delete(this.#specs.values().next().value!);
  }

  #item(id: number, item: unknown): void {
    const call = this.#running.get(id)?.call;
    if (call?.request.stream === undefined) throw violation(`an item of call ${id}, which does not stream`);
    if (!call.settled) call.request.stream.push(item);
  }

  #answer(id: number, callId: number, service: string, payload: unknown): void {
    const running = this.#running.get(callId);
    // The call may be over for the worker while a request that it started is still on its way up: nobody waits for it.
    if (running === undefined) return;
    const { callId: name, deadline, budget, depth = 0, traceparent } = running.call.request;
    const asking = { callId: name, deadline, budget, depth, traceparent };
    void this.#upcalls.answer(id, service, payload, asking, (error) => (running.hostError = error));
  }
}
