import { describe, expect, it } from "@jest/globals";
import { DspexError } from "@dspex/core";
import { dispatcherStage } from "./dispatcher-stage.ts";

describe("the time that a call may wait for a worker", () => {
  it("ends the call when it is over, which then never runs", async () => {
    await using stage = await dispatcherStage(["a"]);
    stage.call("running");
    stage.call("waiting", { queueTimeoutMs: 100 });
    stage.clock.advance(99);
    expect(stage.outcome("waiting")).toBeUndefined();
    stage.clock.advance(1);
    expect(stage.outcome("waiting")).toBe("ERR_QUEUE_TIMEOUT");
    expect(stage.error("waiting")).toMatchObject({
      retryable: true,
      details: { pool: "p", queueTimeoutMs: 100 },
    });
    stage.answer("a");
    expect(stage.on("a")).toEqual([]);
  });

  it("scenario 19: is nothing to a call that a worker took in time, and leaves no timer", async () => {
    await using stage = await dispatcherStage(["a"]);
    stage.call("running");
    stage.call("waiting", { queueTimeoutMs: 100 });
    stage.clock.advance(99);
    stage.answer("a");
    expect(stage.clock.pending).toBe(0);
    stage.clock.advance(1_000);
    expect(stage.outcome("waiting")).toBeUndefined();
    stage.answer("a");
    expect(stage.outcome("waiting")).toBe("ok");
  });

  it("counts over all the times that it waits", async () => {
    await using stage = await dispatcherStage(["a"]);
    stage.call("running");
    const call = stage.call("twice", { queueTimeoutMs: 100 });
    stage.clock.advance(60);
    stage.answer("a");
    stage.clock.advance(1_000);
    stage.leaves("a");
    stage.tell({ type: "again", call });
    stage.clock.advance(39);
    expect(stage.outcome("twice")).toBeUndefined();
    stage.clock.advance(1);
    expect(stage.outcome("twice")).toBe("ERR_QUEUE_TIMEOUT");
  });

  it("is no time at all when it is 0", async () => {
    await using stage = await dispatcherStage(["a"]);
    stage.call("runs", { queueTimeoutMs: 0 });
    stage.call("waits", { queueTimeoutMs: 0 });
    stage.clock.advance(0);
    expect([stage.outcome("runs"), stage.outcome("waits")]).toEqual([undefined, "ERR_QUEUE_TIMEOUT"]);
  });

  it("costs no timer without a limit, and one call that leaves takes its timer with it", async () => {
    await using stage = await dispatcherStage(["a"]);
    stage.call("running");
    stage.call("without");
    expect(stage.clock.pending).toBe(0);
    const controller = new AbortController();
    stage.call("aborted", { queueTimeoutMs: 100, signal: controller.signal });
    expect(stage.clock.pending).toBe(1);
    controller.abort();
    expect(stage.clock.pending).toBe(0);
  });
});

describe("the queue of a dispatcher", () => {
  it("gives priority, then turns, and says who waits", async () => {
    await using stage = await dispatcherStage(["a"]);
    stage.call("running");
    for (const n of [1, 2]) stage.call(`a${n}`, { tenant: "a" });
    stage.call("b1", { tenant: "b" });
    stage.call("urgent", { tenant: "a", priority: 1 });
    const order: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      stage.answer("a");
      order.push(...stage.on("a"));
    }
    expect(order).toEqual(["urgent", "a1", "b1", "a2"]);
    expect(
      stage.events.filter(({ name }) => name === "pool.call.queued").map(({ fields }) => fields),
    ).toEqual([
      { pool: "p", callId: "a1", tenant: "a", waiting: 1 },
      { pool: "p", callId: "a2", tenant: "a", waiting: 2 },
      { pool: "p", callId: "b1", tenant: "b", waiting: 3 },
      { pool: "p", callId: "urgent", tenant: "a", waiting: 4 },
    ]);
  });

  it("scenario 19: 10,000 calls that are cancelled at once leave nothing behind", async () => {
    await using stage = await dispatcherStage(["a"], 1, 20_000);
    stage.call("running");
    const controllers = Array.from({ length: 10_000 }, () => new AbortController());
    for (const [n, { signal }] of controllers.entries())
      stage.call(`${n}`, { signal, tenant: `t${n % 100}`, queueTimeoutMs: 1_000 });
    expect(stage.clock.pending).toBe(10_000);
    for (const controller of controllers) controller.abort();
    expect(stage.clock.pending).toBe(0);
    expect(new Set(controllers.map((_, n) => stage.outcome(`${n}`)))).toEqual(new Set(["ERR_CANCELLED"]));
    stage.call("next");
    expect(stage.events.at(-1)).toMatchObject({ name: "pool.call.queued", fields: { waiting: 1 } });
  });

  it("is refused as a whole when no worker is to be expected", async () => {
    await using stage = await dispatcherStage(["a"]);
    stage.call("1", { affinity: { key: "k", mode: "strict_queue" } });
    stage.call("free");
    stage.call("bound", { affinity: { key: "k", mode: "strict_queue" } });
    const error = new DspexError("ERR_POOL_UNAVAILABLE", "no worker", { details: { pool: "p" } });
    stage.tell({ type: "refuse", error });
    expect([stage.error("free"), stage.error("bound")]).toEqual([error, error]);
    expect(stage.outcome("1")).toBeUndefined();
  });
});
