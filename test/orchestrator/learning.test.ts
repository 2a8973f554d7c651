import { describe, expect, it } from "@jest/globals";
import { explain } from "../../packages/orchestrator/src/decision.ts";
import { Learning } from "../../packages/orchestrator/src/learning.ts";
import { moves, share, simulate, type Behaviour } from "./simulation.ts";

const seeds = [1, 2, 3, 4, 5];
const steady =
  (ms: number): Behaviour =>
  () => ({ ms });
const slowFrom =
  (changeMs: number, ms: number): Behaviour =>
  (atMs) => ({ ms: atMs < changeMs ? ms : 10 * ms });

describe("the learner's choices", () => {
  it("go to the faster endpoint, whichever the program names first", () => {
    for (const seed of seeds)
      for (const endpoints of [
        { a: steady(20), b: steady(40) },
        { b: steady(40), a: steady(20) },
      ]) {
        const { calls } = simulate({ endpoints, calls: 400, seed });
        expect(share(calls.slice(40), "a")).toBeGreaterThan(0.9);
      }
  });

  it("leave an endpoint that became ten times slower: of the next 40 calls more than 70 % go elsewhere", () => {
    for (const seed of seeds) {
      const { calls } = simulate({ endpoints: { a: steady(30), b: slowFrom(300, 20) }, calls: 400, seed });
      const before = calls.filter(({ askedAtMs }) => askedAtMs < 300);
      const after = calls.filter(({ askedAtMs }) => askedAtMs >= 300);
      expect(before.length).toBeGreaterThan(40);
      expect(share(before.slice(-40), "b")).toBeGreaterThan(0.5);
      expect(share(after.slice(0, 40), "a")).toBeGreaterThan(0.7);
      expect(share(after.slice(40), "a")).toBeGreaterThan(0.95);
    }
  });

  it("leave it for all operations, also those that have not met the slow-down themselves", () => {
    const operations = ["classify", "extract", "draft", "reason"];
    for (const seed of seeds) {
      const { calls } = simulate({
        endpoints: { a: steady(30), b: slowFrom(500, 20) },
        calls: 400,
        operations,
        seed,
      });
      const after = calls.filter(({ askedAtMs }) => askedAtMs >= 500);
      expect(share(after.slice(0, 60), "a")).toBeGreaterThan(0.7);
    }
  });

  it("leave an endpoint that hangs before any of its requests has come back", () => {
    const hangs: Behaviour = (atMs) => ({ ms: atMs < 300 ? 20 : 60_000 });
    for (const seed of seeds) {
      const { calls } = simulate({ endpoints: { a: steady(30), b: hangs }, calls: 200, seed });
      const after = calls.filter(({ askedAtMs }) => askedAtMs >= 300);
      expect(share(after, "a")).toBeGreaterThan(0.85);
      expect(moves(after)[0]!.estimates.find(({ endpoint }) => endpoint === "b")!.overdue).toBeGreaterThan(0);
    }
  });

  it("leave an endpoint that fails, however fast it fails, and find it again", () => {
    for (const seed of seeds) {
      const b: Behaviour = (atMs) => (atMs > 300 && atMs < 2_000 ? { ms: 1, fails: true } : { ms: 20 });
      const { calls } = simulate({ endpoints: { a: steady(60), b }, calls: 3_000, seed });
      const down = calls.filter(({ askedAtMs }) => askedAtMs > 300 && askedAtMs < 2_000);
      expect(share(down.slice(40), "a")).toBeGreaterThan(0.9);
      expect(share(calls.slice(-200), "b")).toBeGreaterThan(0.8);
    }
  });

  it("find a recovered endpoint again", () => {
    for (const seed of seeds) {
      const b: Behaviour = (atMs) => ({ ms: atMs > 300 && atMs < 2_000 ? 200 : 20 });
      const { calls } = simulate({ endpoints: { a: steady(40), b }, calls: 2_000, seed });
      expect(
        share(
          calls.filter(({ askedAtMs }) => askedAtMs > 600 && askedAtMs < 2_000),
          "a",
        ),
      ).toBeGreaterThan(0.9);
      expect(share(calls.slice(-200), "b")).toBeGreaterThan(0.8);
    }
  });

  it("do not flap: a lasting change moves an operation once, and one slow request not at all", () => {
    for (const seed of seeds) {
      const changed = simulate({ endpoints: { a: steady(40), b: slowFrom(1_000, 20) }, calls: 1_000, seed });
      expect(
        moves(changed.calls.filter(({ askedAtMs }) => askedAtMs >= 500)).map(({ moved }) => moved),
      ).toEqual([{ from: "b", to: "a" }]);
      let hiccups = 0;
      const hiccup: Behaviour = (atMs) => ({ ms: atMs >= 1_000 && hiccups++ === 0 ? 100 : 20 });
      const once = simulate({ endpoints: { a: hiccup, b: steady(40) }, calls: 1_000, concurrency: 4, seed });
      expect(moves(once.calls.filter(({ askedAtMs }) => askedAtMs >= 1_000))).toEqual([]);
    }
  });

  it("keep to one of two that are alike, and try the other now and then", () => {
    for (const seed of seeds) {
      const { calls } = simulate({ endpoints: { a: steady(20), b: steady(20) }, calls: 1_000, seed });
      expect(share(calls, "a")).toBeGreaterThan(0.1);
      expect(share(calls, "b")).toBeGreaterThan(0.1);
      expect(moves(calls).length).toBeLessThan(10);
    }
  });

  it("take at least 20 % less time than the first endpoint always would, and at most 25 % more than an oracle's, while both change", () => {
    const times = (atMs: number) =>
      Math.floor(atMs / 5_000) % 2 === 0 ? { a: 200, b: 20 } : { a: 20, b: 100 };
    for (const seed of seeds) {
      const endpoints = {
        a: (atMs: number) => ({ ms: times(atMs).a }),
        b: (atMs: number) => ({ ms: times(atMs).b }),
      };
      const { calls } = simulate({ endpoints, calls: 6_000, seed });
      const total = (choose: (ms: ReturnType<typeof times>, chose: string) => number): number =>
        calls.reduce((sum, { askedAtMs, chose }) => sum + choose(times(askedAtMs), chose), 0);
      const taken = total((ms, chose) => ms[chose as "a" | "b"]);
      expect(taken).toBeLessThan(0.8 * total(({ a }) => a));
      expect(taken).toBeLessThan(1.25 * total(({ a, b }) => Math.min(a, b)));
      expect(moves(calls).length).toBeLessThan(8);
    }
  });

  it("name the only endpoint when there is one, and still measure it", () => {
    const { calls, learning } = simulate({ endpoints: { a: steady(20) }, calls: 30 });
    expect(explain(calls.at(-1)!)).toMatchObject({ chose: "a", among: ["a"], because: "the only endpoint" });
    expect(learning.insights()).toMatchObject([
      { operation: "classify", endpoint: "a", calls: 30, share: 1, failureRate: 0 },
    ]);
  });

  it("explain themselves with what was measured", () => {
    const { calls } = simulate({ endpoints: { a: steady(20), b: slowFrom(0, 20) }, calls: 500 });
    const last = calls.filter(({ why }) => why === "best").at(-1)!;
    expect(explain(last).because).toMatch(
      /^a is the best bet: b: \d+ ms median of the last \d+ requests; a: \d+ ms median of the last 20 requests$/,
    );
    const trial = calls.filter(({ why, chose }) => why === "trial" && chose === "b").at(-1)!;
    expect(explain(trial).because).toMatch(/^to see how b does now: /);
  });
});

describe("the learner's insights", () => {
  it("see a trend in rising latencies", () => {
    const learning = new Learning(1);
    for (let n = 1; n <= 20; n += 1) {
      const callId = `call-${n}`;
      learning.ask({ entry: "asked", atMs: n, callId, operation: "draft", endpoints: ["a"] });
      learning.learn({ entry: "request", sequence: n, callId, endpoint: "a", ok: true, durationMs: 10 * n });
    }
    expect(learning.insights()).toMatchObject([{ p50Ms: 100, p95Ms: 190, trend: "degrading" }]);
  });

  it("G4: forget the oldest operations and the oldest calls that never came back", () => {
    const learning = new Learning(1);
    for (let n = 0; n < 12_000; n += 1)
      learning.ask({
        entry: "asked",
        atMs: n,
        callId: `call-${n}`,
        operation: `operation-${n % 3_000}`,
        endpoints: ["a", "b"],
      });
    expect(learning.openCalls).toBe(10_000);
    expect(new Set(learning.insights().map(({ operation }) => operation)).size).toBe(1_000);
  });
});
