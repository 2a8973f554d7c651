import { describe, expect, it } from "@jest/globals";
import { messages, toWire, type WorkerMessage } from "@dspex/python-bridge";
import { scaled, testSeed } from "../support/scale.ts";
import { Dice } from "../support/dice.ts";
import { CallFailed, WorkerClient } from "./worker-client.ts";

const seed = testSeed();
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** A little, a frame, a few chunks, a window: what goes plain and what does not. */
const size = (random: Dice): number => random.below(random.among(10, 10_000, 300_000, 1_500_000));

/** A host whose reader and writer stop and go as chance has it. */
class Host {
  readonly worker: WorkerClient;
  readonly #random: Dice;
  readonly #items = new Map<number, number[]>();
  readonly #timer: NodeJS.Timeout;

  static async start(random: Dice, codec: "msgpack" | "json-lines"): Promise<Host> {
    let host: Host | undefined;
    const worker = await WorkerClient.start({
      codec,
      maxFrameBytes: 4_000_000,
      onMessage: (message) => host?.take(message),
    });
    host = new Host(worker, random);
    return host;
  }

  private constructor(worker: WorkerClient, random: Dice) {
    this.worker = worker;
    this.#random = random;
    const { stdin, stdout } = worker.process;
    this.#timer = setInterval(() => {
      if (random.below(3) === 0) stdout!.pause();
      else stdout!.resume();
      if (random.below(3) === 0) stdin!.cork();
      else while (stdin!.writableCorked > 0) stdin!.uncork();
    }, 1);
  }

  /** A few calls one after the other, each of a kind that chance picks. */
  async schedule(): Promise<void> {
    for (let left = 1 + this.#random.below(3); left > 0; left -= 1) {
      const { id, check } = this.#call();
      const cancelAfterMs = this.#random.below(4) === 0 ? this.#random.below(10) : undefined;
      const answered = this.worker.answer(id).then(
        (value) => check(value),
        (error: unknown) => {
          if (!(error instanceof CallFailed) || error.wire.code !== "cancelled") throw error;
        },
      );
      if (cancelAfterMs !== undefined) {
        await pause(cancelAfterMs);
        // A call that could be taken back is not answered.
        if (this.worker.connection.withdrawCall(id)) continue;
        this.worker.connection.send(messages.cancel(id));
      }
      await answered;
      this.#items.delete(id);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.worker.process.stdout!.resume();
    await this.worker[Symbol.asyncDispose]();
  }

  #call(): { readonly id: number; readonly check: (value: unknown) => void } {
    const random = this.#random;
    const n = size(random);
    const thread = random.below(2) === 0 ? "" : "_of_a_thread";
    switch (random.below(4)) {
      case 0: {
        const id = this.worker.begin("wire_values:echo", ["x".repeat(n)]);
        return { id, check: (value) => expect((value as string).length).toBe(n) };
      }
      case 1: {
        const id = this.worker.begin("wire_values:echo", [new Float32Array(n >> 2)]);
        return { id, check: (value) => expect((value as { data: Float32Array }).data.length).toBe(n >> 2) };
      }
      case 2: {
        const sizes = Array.from({ length: random.below(8) }, () => size(random) >> 1);
        const id = this.worker.begin(`wire_schedules:items${thread}`, [sizes], {
          stream: { credits: 1 + random.below(3) },
        });
        this.#items.set(id, []);
        return { id, check: () => expect(this.#items.get(id)).toEqual(sizes) };
      }
      default: {
        const id = this.worker.begin(`wire_schedules:ask${thread}`, [size(random), n]);
        return { id, check: (value) => expect(value).toBe(n) };
      }
    }
  }

  take(message: WorkerMessage): void {
    if (message.kind === "stream") {
      const { id } = message;
      this.#items.get(id)?.push((message.item as Buffer).length);
      void pause(this.#random.below(3)).then(() => this.worker.connection.send(messages.credit(id, 1)));
    }
    if (message.kind === "upcall") {
      const { arguments: asked } = message.payload as { arguments: { size: number } };
      const answer = toWire(Buffer.alloc(asked.size));
      void pause(this.#random.below(3)).then(() =>
        this.worker.connection.send(messages.upresult(message.id, answer)),
      );
    }
  }
}

describe.each(["msgpack", "json-lines"] as const)("a slow reader and a slow writer, over %s", (codec) => {
  it(`come to no deadlock, whatever is under way between them (seed ${seed})`, async () => {
    const host = await Host.start(new Dice(seed), codec);
    const atOnce = 16;
    const each = Math.ceil(scaled(codec === "msgpack" ? 800 : 200) / atOnce);
    const schedules = Array.from({ length: atOnce }, async () => {
      for (let n = 0; n < each; n += 1) {
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise((_, reject) => {
          timer = setTimeout(() => reject(new Error(`a deadlock (seed ${seed})`)), 30_000);
        });
        await Promise.race([host.schedule(), late]);
        clearTimeout(timer);
      }
    });
    await Promise.all(schedules);
    expect(host.worker.ended).toBeUndefined();
    await host.stop();
  }, 600_000);
});
