import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import {
  messages,
  openConnection,
  toWire,
  workerCommand,
  type CodecName,
  type Connection,
  type Hello,
  type Ready,
  type WireError,
  type WorkerMessage,
} from "@dspex/python-bridge";
import { findEnvironment } from "@dspex/python-bridge/environment";

const fixtures = path.join(import.meta.dirname, "fixtures");

type Answer = Extract<WorkerMessage, { kind: "result" | "error" }>;

/** What a call was answered with, when it was an error. */
export class CallFailed extends Error {
  readonly wire: WireError;

  constructor(wire: WireError) {
    super(`${wire.code}: ${wire.message}`);
    this.wire = wire;
  }
}

export interface WorkerClientOptions extends Partial<Hello> {
  /** @default the environment of the tests, which has numpy and pyarrow */
  readonly python?: string;
  readonly codec?: CodecName;
  /** Sees every message, before the client itself. */
  readonly onMessage?: (message: WorkerMessage) => void;
}

/** The host of one real worker process, as small as a test needs it. */
export class WorkerClient implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly connection: Connection;
  /** Set when READY has come. */
  ready!: Ready;
  /** Why the connection ended, once it has. */
  ended: { readonly error: unknown } | undefined;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  readonly #whenReady: Promise<unknown>;
  #isReady = (): void => {};
  #lastId = 0;

  static async start(options: WorkerClientOptions = {}): Promise<WorkerClient> {
    const client = new WorkerClient(options);
    await client.#whenReady;
    return client;
  }

  private constructor({ python, codec = "msgpack", onMessage, ...changes }: WorkerClientOptions) {
    const { file, args } = workerCommand(python ?? findEnvironment({ groups: ["test"] })!.python);
    this.process = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#whenReady = new Promise((resolve) => (this.#isReady = () => resolve(undefined)));
    const hello: Hello = {
      runId: "run",
      workerId: "worker",
      maxFrameBytes: 64 * 1024 * 1024,
      threads: 4,
      maxInFlight: 256,
      paths: [fixtures],
      seams: {},
      warmUp: [],
      ...changes,
    };
    this.connection = openConnection(
      { readable: this.process.stdout!, writable: this.process.stdin! },
      { maxFrameBytes: hello.maxFrameBytes, codec },
      {
        onMessage: (message) => {
          onMessage?.(message);
          this.#take(message);
        },
        onEnd: (error) => (this.ended = { error }),
      },
    );
    this.connection.send(messages.hello(hello, performance.now()));
  }

  /** Begins a call of a function; its id. */
  begin(target: string, args: readonly unknown[], context: { stream?: { credits: number } } = {}): number {
    const id = (this.#lastId += 1);
    this.connection.send(messages.call(id, { function: target }, toWire(args), Infinity, context));
    return id;
  }

  /** What a call is answered with. */
  answer(id: number): Promise<unknown> {
    return new Promise<Answer>((resolve) => this.#answers.set(id, resolve)).then((answer) => {
      if (answer.kind === "result") return answer.value;
      throw new CallFailed(answer.error);
    });
  }

  /** Calls a function of `fixtures`. */
  call(target: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.answer(this.begin(target, args));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await exited;
  }

  #take(message: WorkerMessage): void {
    if (message.kind === "ready") {
      this.ready = message.ready;
      this.#isReady();
    }
    if (message.kind !== "result" && message.kind !== "error") return;
    this.#answers.get(message.id)?.(message);
    this.#answers.delete(message.id);
  }
}
