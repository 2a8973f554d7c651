import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Outcome, Runtime } from "dspex";
import { Dice } from "../../support/dice.ts";
import { eventually } from "../../support/eventually.ts";
import { processes } from "../../support/processes.ts";
import { startTestRuntime } from "../../support/runtime.ts";
import { scaled, testSeed } from "../../support/scale.ts";

const size = 8;
const kills = 30;
const killEveryMs = 25;

/** What telemetry has said, counted by the test: the pool's own numbers have to agree with it. */
class Ledger {
  readonly pids = { spawned: [] as number[], exited: [] as number[], crashed: [] as number[] };
  readonly lost = { calls: 0 };
  readonly retries = new Map<string, number>();
  readonly settled = new Map<string, number>();

  subscribe(runtime: Runtime): void {
    const { telemetry } = runtime;
    telemetry.on("pool.worker.exited", ({ fields }) => {
      this.pids.exited.push(fields.pid);
      if (!fields.expected) this.pids.crashed.push(fields.pid);
      this.lost.calls += fields.lost;
    });
    telemetry.on("pool.worker.spawned", ({ fields }) => this.pids.spawned.push(fields.pid));
    telemetry.on("pool.call.retried", ({ fields }) => add(this.retries, fields.callId));
    telemetry.on("call.settled", ({ fields }) => add(this.settled, fields.callId));
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

describe("a pool in a storm of kills", () => {
  const ledger = new Ledger();
  let runtime: Runtime;
  let first: readonly number[];
  beforeAll(async () => {
    runtime = await startTestRuntime({ size });
    first = runtime.workers().map(({ pid }) => pid);
    ledger.subscribe(runtime);
  }, 120_000);
  afterAll(() => runtime.stop());

  it("scenario 11, G1, G5: gives every call one outcome, keeps its books, and is whole again", async () => {
    const seed = testSeed();
    console.log(`storm: seed ${seed}`);
    const dice = new Dice(seed);
    const echo = runtime.pythonFunction<[number], number>("dspex_bridge.builtins:echo_async");
    const slow = runtime.pythonFunction<[number], number>("functions:echo_slowly");
    const killed = new Set<number>();
    const outcomes: { readonly number: number; readonly outcome: Outcome<number> }[] = [];
    let asked = 0;
    const ask = async (): Promise<void> => {
      const number = (asked += 1);
      const idempotent = dice.chance(0.5);
      const outcome = await (dice.chance(0.5) ? echo : slow).tryCall([number], { idempotent });
      outcomes.push({ number, outcome });
    };
    const askAlways = async (until: () => boolean): Promise<void> => {
      while (!until()) await ask();
    };

    let storming = true;
    const callers = Array.from({ length: 16 }, () => askAlways(() => !storming && asked >= scaled(200)));
    for (let n = 0; n < kills; n += 1) {
      for (let victims = 2; victims > 0; victims -= 1) {
        const victim = dice.oneOf(runtime.workers().filter(({ pid }) => !killed.has(pid)));
        if (victim === undefined) continue;
        killed.add(victim.pid);
        process.kill(victim.pid, "SIGKILL");
      }
      await new Promise((resolve) => setTimeout(resolve, killEveryMs));
    }
    storming = false;
    await Promise.all(callers);
    await eventually(() => runtime.workers().length === size, 60_000);
    const stormed = asked;

    // No trace of it is left: a worker that is ready takes calls, and answers them.
    const calm = stormed + scaled(5_000);
    await Promise.all(Array.from({ length: 64 }, () => askAlways(() => asked >= calm)));

    expect(killed.size).toBeGreaterThanOrEqual(size);
    expect(outcomes).toHaveLength(asked);
    for (const { number, outcome } of outcomes) {
      if (outcome.ok) expect(outcome.value).toBe(number);
      else expect(outcome.error.code).toBe("ERR_WORKER_CRASHED");
      if (number > stormed) expect(outcome.ok).toBe(true);
    }
    expect(ledger.settled.size).toBe(asked);
    expect(sum(ledger.settled.values())).toBe(asked);

    // Each call that a worker took down was retried, or failed for that.
    const failed = outcomes.filter(({ outcome }) => !outcome.ok).length;
    expect(ledger.lost.calls).toBe(sum(ledger.retries.values()) + failed);
    for (const { outcome } of outcomes)
      expect(outcome.meta.attempts).toBe(1 + (ledger.retries.get(outcome.meta.callId) ?? 0));

    // Each process that was spawned has exited, or is one of those that work.
    const alive = new Set(runtime.workers().map(({ pid }) => pid));
    expect(alive.size).toBe(size);
    const ended = [...first, ...ledger.pids.spawned].filter((pid) => !alive.has(pid));
    expect(ledger.pids.exited).toHaveLength(ended.length);
    expect(new Set(ledger.pids.exited)).toEqual(new Set(ended));
    // Those that left by themselves had run the one call of a suspect (docs/dispatch.md).
    expect(new Set(ledger.pids.crashed)).toEqual(killed);
    const running = new Set(processes().map(({ pid }) => pid));
    expect([...killed].filter((pid) => running.has(pid))).toEqual([]);
  }, 180_000);
});
