import { DspexError, LazySignal, messageOf, type Clock, type Timer } from "@dspex/core";
import {
  messages,
  openConnection,
  readWorkerMessage,
  toWire,
  violation,
  type CallInfo,
  type Connection,
  type Frame,
  type Hello,
  type LogLevel,
  type Ready,
  type WireError,
  type WireValue,
} from "@dspex/python-bridge";
import type { Call } from "./call.ts";
import { callError, refusedUnrun } from "./call-error.ts";
import type { WorkerLoad } from "./choose-worker.ts";
import { CreditWindow } from "./credit-window.ts";
import type { OsProcess } from "./os-process.ts";
import type { Upcall, UpcallHandler } from "./upcall.ts";

export interface WorkerSessionOptions {
  readonly process: OsProcess;
  readonly hello: Hello;
  readonly heartbeatMs: number;
  /** How long a cancelled call may go unanswered, in milliseconds. */
  readonly cancelGraceMs: number;
  readonly clock: Clock;
  readonly upcalls: UpcallHandler;
  /** The handshake is done. */
  readonly onReady: (ready: Ready) => void;
  /** A call is over: there is room for another. */
  readonly onRoom: () => void;
  /** The worker did not run the call and another may. */
  readonly onReturned: (call: Call) => void;
  /** The worker broke the protocol, or its pipe broke. */
  readonly onBroken: (error: unknown) => void;
  /** All threads of the worker are held by calls that were given up. */
  readonly onStuck: () => void;
  readonly onLog: (source: string, level: LogLevel, text: string) => void;
  readonly onHeartbeat: (health: { lagMs: number; inFlight: number; rssBytes: number }) => void;
}

/** Specs that a worker keeps (`docs/protocol.md` §4). */
const rememberedSpecs = 1_024;

/** A call in this worker. */
interface Running {
  readonly call: Call;
  /** What an endpoint of the host last threw at this call. */
  hostError: DspexError | undefined;
}

/** An upcall that has not been answered. */
interface Answering {
  readonly signal: LazySignal;
  /** How far its answer may go, when it is given piece by piece. */
  readonly window: CreditWindow | undefined;
}

/**
 * The conversation with one worker process: calls out, upcalls in, one table of what is in flight. This is the hot
 * path, so it is a plain object; the worker's actor sees only its beginning and its end.
 */
export class WorkerSession implements WorkerLoad {
  readonly workerId: string;
  readonly #options: WorkerSessionOptions;
  readonly #connection: Connection;
  readonly #running = new Map<number, Running>();
  readonly #upcalls = new Map<number, Answering>();
  /** Specs that the worker has been given. */
  readonly #specs = new Set<string>();
  #lastId = 0;
  #pings = 0;
  /** Heartbeats in a row that found all threads held. */
  #stuck = 0;
  #heartbeat: Timer | undefined;
  #capacity = 0;
  #pid = 0;

  constructor(options: WorkerSessionOptions) {
    const { process, hello, clock } = options;
    this.#options = options;
    this.workerId = hello.workerId;
    this.#connection = openConnection(
      { readable: process.stdout, writable: process.stdin },
      hello.maxFrameBytes,
      {
        onFrame: (frame) => this.#receive(frame),
        onEnd: (error) => {
          // Whatever is wrong, this worker gets no further call.
          this.#capacity = 0;
          if (error !== undefined) options.onBroken(error);
        },
      },
    );
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

  /** Gives the worker a call. It settles here, or comes back through `onReturned`, or in {@link end}. */
  run(call: Call): void {
    const { request } = call;
    const id = (this.#lastId += 1);
    call.started(this.workerId, this.#options.clock.now());
    this.#running.set(id, { call, hostError: undefined });
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

  /** Asks the worker to finish what it has and leave. */
  drain(): void {
    this.#capacity = 0;
    this.#connection.send(messages.drain());
  }

  /** The process is gone. Returns the calls that were in flight and have not settled. */
  end(): readonly Call[] {
    this.#capacity = 0;
    this.#heartbeat?.cancel();
    for (const id of this.#upcalls.keys()) this.#giveUp(id);
    const lost = [...this.#running.values()].map(({ call }) => call).filter((call) => !call.settled);
    this.#running.clear();
    return lost;
  }

  #receive(frame: Frame): void {
    const message = readWorkerMessage(frame);
    switch (message?.kind) {
      case "result":
        return this.#take(message.id).call.succeed(message.value, message.info);
      case "error":
        return this.#refused(message.id, message.error, message.info);
      case "upcall":
        return void this.#answer(message.id, message.callId, message.service, message.payload);
      case "upcancel":
        return this.#giveUp(message.id);
      case "stream":
        return this.#item(message.id, message.item);
      case "credit":
        return this.#upcalls.get(message.id)?.window?.add(message.n);
      case "log":
        return this.#options.onLog(message.source, message.level, message.text);
      case "pong":
        this.#options.onHeartbeat(message);
        return this.#watchThreads(message.abandoned);
      case "ready":
        return this.#ready(message.ready);
      case "bye":
        return this.#bye();
      case undefined:
    }
  }

  #ready(ready: Ready): void {
    if (this.#pid !== 0) throw violation("a second READY");
    this.#connection.peerTakes(ready.maxFrameBytes);
    this.#capacity = ready.maxInFlight;
    this.#pid = ready.pid;
    this.#ping();
    this.#options.onReady(ready);
  }

  /** The first ping comes right after the handshake: it tells the worker how the two clocks differ (protocol §4). */
  #ping(): void {
    const { clock, heartbeatMs } = this.#options;
    this.#connection.send(messages.ping((this.#pings += 1), clock.now()));
    this.#heartbeat = clock.setTimeout(() => this.#ping(), heartbeatMs);
  }

  #take(id: number): Running {
    const running = this.#running.get(id);
    // An id that is not in the table has been answered already: the worker is not to be trusted any more.
    if (running === undefined) throw violation(`an answer to call ${id}, which is not in flight`);
    this.#running.delete(id);
    // After this turn, when the outcome has been delivered and a next call may have been made.
    this.#options.onRoom();
    return running;
  }

  #refused(id: number, error: WireError, info: CallInfo | undefined): void {
    const { call, hostError } = this.#take(id);
    const { target } = call.request;
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

  /** Python answers a cancellation at once, unless its loop hangs: then nothing else helps (G3). */
  #cancel(id: number): void {
    const { clock, cancelGraceMs, onBroken } = this.#options;
    this.#connection.send(messages.cancel(id));
    clock.setTimeout(() => {
      if (this.#running.has(id))
        onBroken(violation(`no answer to a cancelled call within ${cancelGraceMs} ms`));
    }, cancelGraceMs);
  }

  /** A thread cannot be cancelled. A worker that has none left would take calls and never run them. */
  #watchThreads(abandoned: number): void {
    this.#stuck = abandoned >= this.#options.hello.threads ? this.#stuck + 1 : 0;
    if (this.#stuck >= 2) this.#options.onStuck();
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

  async #answer(id: number, callId: number, service: string, payload: unknown): Promise<void> {
    const running = this.#running.get(callId);
    // The call may be over for the worker while a request that it started is still on its way up: nobody waits for it.
    if (running === undefined) return;
    const { callId: name, deadline, budget } = running.call.request;
    const signal = new LazySignal();
    const credits = (payload as { stream?: { credits?: number } } | null)?.stream?.credits;
    this.#upcalls.set(id, { signal, window: credits === undefined ? undefined : new CreditWindow(credits) });
    const upcall: Upcall = {
      service,
      payload,
      callId: name,
      deadline,
      budget,
      get signal() {
        return signal.signal;
      },
    };
    try {
      const reply = await this.#reply(id, upcall);
      if (this.#upcalls.delete(id)) this.#connection.send(messages.upresult(id, toWire(reply)));
    } catch (error) {
      // Nobody waits for it any more: then it is no error of the call either.
      if (!this.#upcalls.delete(id)) return;
      if (DspexError.is(error)) running.hostError = error;
      this.#connection.send(messages.uperror(id, this.#hostError(error)));
    }
  }

  /** The whole answer; null after one that was given piece by piece. */
  async #reply(id: number, upcall: Upcall): Promise<WireValue> {
    const { upcalls } = this.#options;
    const window = this.#upcalls.get(id)?.window;
    const pieces = window === undefined ? undefined : upcalls.stream(upcall);
    if (window === undefined || pieces === undefined) return upcalls.handle(upcall);
    for await (const piece of pieces) {
      if (!(await window.take())) break;
      this.#connection.send(messages.stream(id, toWire(piece)));
    }
    return null;
  }

  /** Nobody waits for the answer any more. */
  #giveUp(id: number): void {
    const answering = this.#upcalls.get(id);
    this.#upcalls.delete(id);
    answering?.window?.close();
    answering?.signal.abort();
  }

  #hostError(error: unknown): {
    readonly [field: string]: string | boolean | null | { readonly lm: string };
  } {
    const known = DspexError.is(error) ? error : undefined;
    return {
      code: known?.code ?? "ERR_HOST",
      type: known?.name ?? "Error",
      message: messageOf(error),
      traceback: "",
      retryable: known?.retryable ?? false,
      details: { lm: this.#options.upcalls.pythonErrorName(error) },
      cause: null,
    };
  }
}
