import { describe, expect, it } from "@jest/globals";
import { resolveAffinity, type AffinityMode } from "@dspex/pool";
import { Pins } from "../../packages/pool/src/affinity.ts";
import { dispatcherStage } from "./dispatcher-stage.ts";

const strict = (key: string, mode: AffinityMode = "strict_queue") => ({ affinity: { key, mode } });

describe("a strict affinity key", () => {
  it("stays with the worker that its first call is given, free or not", async () => {
    await using stage = await dispatcherStage(["a", "b"]);
    stage.call("1", strict("k"));
    const home = stage.where("1")!;
    stage.call("2", strict("k"));
    expect(stage.where("2")).toBeUndefined();
    stage.answer(home);
    expect(stage.on(home)).toEqual(["2"]);
  });

  it("scenario 24: while it waits, it holds up neither free calls behind it nor other workers", async () => {
    await using stage = await dispatcherStage(["a", "b"]);
    stage.call("1", strict("k"));
    const home = stage.where("1")!;
    const other = home === "a" ? "b" : "a";
    stage.call("pinned", { ...strict("k"), priority: 10 });
    stage.call("free 1");
    expect(stage.on(other)).toEqual(["free 1"]);
    stage.call("free 2");
    stage.answer(other);
    expect(stage.on(other)).toEqual(["free 2"]);
    stage.answer(home);
    expect(stage.on(home)).toEqual(["pinned"]);
  });

  it("takes its turn at its worker among free calls: neither starves the other", async () => {
    await using stage = await dispatcherStage(["a"]);
    stage.call("first", strict("k"));
    for (let n = 0; n < 3; n += 1) {
      stage.call(`free ${n}`);
      stage.call(`pinned ${n}`, strict("k"));
    }
    const order: string[] = [];
    for (let n = 0; n < 7; n += 1) {
      order.push(...stage.on("a"));
      stage.answer("a");
    }
    expect(order).toEqual(["first", "free 0", "pinned 0", "free 1", "pinned 1", "free 2", "pinned 2"]);
  });

  it("fails at once where it may not wait and its worker has no room", async () => {
    await using stage = await dispatcherStage(["a", "b"]);
    stage.call("1", strict("k", "strict_fail_fast"));
    stage.call("2", strict("k", "strict_fail_fast"));
    expect(stage.outcome("2")).toBe("ERR_WORKER_BUSY");
    expect(stage.error("2")).toMatchObject({ retryable: true, details: { pool: "p", key: "k" } });
    stage.answer(stage.where("1")!);
    stage.call("3", strict("k", "strict_fail_fast"));
    expect(stage.where("3")).toBeDefined();
  });

  it("scenario 25: fails all that wait at once when its worker is gone, and finds a new one after that", async () => {
    await using stage = await dispatcherStage(["a", "b"]);
    stage.call("1", strict("k"));
    const home = stage.where("1")!;
    stage.call("2", strict("k"));
    stage.call("3", strict("k"));
    stage.leaves(home);
    expect([stage.outcome("2"), stage.outcome("3")]).toEqual(Array(2).fill("ERR_WORKER_UNAVAILABLE"));
    expect(stage.error("2")).toMatchObject({ retryable: true, details: { key: "k" } });
    stage.call("4", strict("k"));
    expect(stage.where("4")).toBe(home === "a" ? "b" : "a");
  });

  it("tells its next call, once, when nobody waited as its worker went", async () => {
    await using stage = await dispatcherStage(["a", "b"]);
    stage.call("1", strict("k"));
    const home = stage.where("1")!;
    stage.answer(home);
    stage.leaves(home);
    stage.call("2", strict("k"));
    stage.call("3", strict("k"));
    expect([stage.outcome("2"), stage.outcome("3")]).toEqual(["ERR_WORKER_UNAVAILABLE", undefined]);
    expect(stage.where("3")).toBeDefined();
  });

  it("that is pinned while calls of it wait for any worker holds them at that worker", async () => {
    await using stage = await dispatcherStage(["a", "b"]);
    stage.call("busy a");
    stage.call("busy b");
    stage.call("1", strict("k"));
    stage.call("2", strict("k"));
    stage.call("free");
    stage.answer("b");
    expect(stage.on("b")).toEqual(["1"]);
    stage.answer("a");
    expect(stage.on("a")).toEqual(["free"]);
    stage.answer("b");
    expect(stage.on("b")).toEqual(["2"]);
  });

  it("G4: is forgotten when 10,000 others have been used since", () => {
    const worker = { workerId: "w", place: 1, inFlight: 0, capacity: 1 };
    const pins = new Pins<typeof worker>();
    for (let n = 0; n < 10_000; n += 1) pins.pin(`k${n}`, worker);
    expect(pins.home("k0")).toBe(worker);
    pins.pin("one more", worker);
    expect(pins.home("k1")).toBeUndefined();
    expect(pins.home("k0")).toBe(worker);
  });
});

describe("an affinity", () => {
  it("is a hint when it is a text, and is checked", () => {
    expect(resolveAffinity("k")).toEqual({ key: "k", mode: "hint" });
    for (const wrong of [1, {}, { key: "k", mode: "strict" }, { key: 1, mode: "hint" }, null])
      expect(() => resolveAffinity(wrong as never)).toThrow(/affinity must be/);
  });

  it("as a hint moves to another worker when its own has no room", async () => {
    await using stage = await dispatcherStage(["a", "b"]);
    stage.call("1", strict("k", "hint"));
    stage.call("2", strict("k", "hint"));
    expect(new Set([stage.where("1"), stage.where("2")])).toEqual(new Set(["a", "b"]));
  });
});
