import { existsSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { scripted, signature, type LmAdapter, type Runtime, type Streaming } from "dspex";
import { eventually } from "../support/eventually.ts";
import { freshPath, startTestRuntime } from "../support/runtime.ts";

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const counting = (runtime: Runtime, name: string, ...args: unknown[]): Streaming<unknown, unknown> =>
  runtime.pythonFunction<unknown[], unknown>(`functions:${name}`).stream(args);

describe("a stream of a Python generator", () => {
  it("scenario 37, G4: arrives whole and in order through its window, however slow its reader is", async () => {
    await using runtime = await startTestRuntime({ size: 1 });
    expect(await collect(counting(runtime, "count", 3_000))).toEqual(
      Array.from({ length: 3_000 }, (_, n) => n),
    );

    const slow = counting(runtime, "count", 200);
    let read = 0;
    for await (const item of slow) {
      expect(item).toBe(read);
      read += 1;
      if (read % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(read).toBe(200);
    expect(await slow.outcome).toMatchObject({ ok: true, value: null });
  }, 30_000);

  it("scenario 37, G3: leaving the loop early closes the generator within 200 ms", async () => {
    await using runtime = await startTestRuntime({ size: 1 });
    const closed = freshPath("closed");
    const stream = counting(runtime, "count_until_closed", closed);
    for await (const item of stream) if (item === 3) break;
    const leftAt = performance.now();
    await eventually(() => existsSync(closed));
    expect(performance.now() - leftAt).toBeLessThan(200);
    expect(await stream.outcome).toMatchObject({ ok: false, error: { code: "ERR_CANCELLED" } });
  }, 30_000);

  it("scenario 37: throws what the generator raises, after the items before it", async () => {
    await using runtime = await startTestRuntime({ size: 1 });
    const items: unknown[] = [];
    const reading = (async () => {
      for await (const item of counting(runtime, "count_and_fail", 3)) items.push(item);
    })();
    await expect(reading).rejects.toMatchObject({
      code: "ERR_PYTHON",
      message: "ValueError: no more numbers",
    });
    expect(items).toEqual([0, 1, 2]);
  }, 30_000);

  it("G5: ends with the crash of its worker, and is not run again unseen", async () => {
    await using runtime = await startTestRuntime({ size: 1 });
    const stream = runtime
      .pythonFunction<[number, number], unknown>("functions:count")
      .stream([1_000, 10], { idempotent: true });
    const reading = (async () => {
      for await (const item of stream) if (item === 2) process.kill(runtime.workers()[0]!.pid, "SIGKILL");
    })();
    await expect(reading).rejects.toMatchObject({ code: "ERR_WORKER_CRASHED" });
    expect((await stream.outcome).meta.attempts).toBe(1);
  }, 30_000);
});

describe("a stream of a program", () => {
  const reply =
    "[[ ## summary ## ]]\nThe parcel is late.\n\n[[ ## answer ## ]]\nIt left the warehouse on Monday.\n\n[[ ## completed ## ]]";
  const draft = signature("ticket: str -> summary: str, answer: str");

  it("gives the output fields piece by piece, and the whole result after them", async () => {
    await using runtime = await startTestRuntime({ size: 1 }, { lm: { default: scripted(() => reply) } });
    const stream = runtime.program(draft).stream({ ticket: "Where is it?" });
    const texts: Record<string, string> = {};
    let pieces = 0;
    for await (const { field, delta } of stream) {
      texts[field] = (texts[field] ?? "") + delta;
      pieces += 1;
    }
    const whole = { summary: "The parcel is late.", answer: "It left the warehouse on Monday." };
    expect(texts).toEqual(whole);
    expect(pieces).toBeGreaterThan(2);
    expect(await stream.outcome).toMatchObject({
      ok: true,
      value: whole,
      meta: { lmCalls: 1, endpoint: "default" },
    });
  }, 30_000);

  it("works with an endpoint that only gives whole replies", async () => {
    const adapter = scripted(() => reply);
    const whole: LmAdapter = { complete: (request, options) => adapter.complete(request, options) };
    await using runtime = await startTestRuntime({ size: 1 }, { lm: { default: whole } });
    const stream = runtime.program(draft).stream({ ticket: "Where is it?" });
    const fields = new Set((await collect(stream)).map(({ field }) => field));
    expect(fields).toEqual(new Set(["summary", "answer"]));
    expect(await stream.outcome).toMatchObject({ ok: true });
  }, 30_000);
});
