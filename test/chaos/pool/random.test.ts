import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Outcome, Runtime } from "dspex";
import { Dice } from "../../support/dice.ts";
import { eventually } from "../../support/eventually.ts";
import { processes } from "../../support/processes.ts";
import { startTestRuntime } from "../../support/runtime.ts";
import { scaled, testSeed } from "../../support/scale.ts";

const size = 2;
const maxInFlight = 4;

describe("a pool under calls, kills, recycling and roll-outs in any order", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await startTestRuntime({ size, maxInFlight, maxCalls: 40 });
  }, 60_000);
  afterAll(() => runtime.stop());

  it("scenario 12: keeps what always holds, and gives every call one outcome", async () => {
    const seed = testSeed();
    console.log(`random sequence: seed ${seed}`);
    const dice = new Dice(seed);
    const echo = runtime.pythonFunction<[number], number>("functions:echo_slowly");
    const outcomes: Outcome<number>[] = [];
    const open = new Set<Promise<unknown>>();
    let asked = 0;
    const broken: string[] = [];

    const look = (): void => {
      const workers = runtime.workers();
      const unique = (values: readonly unknown[]): boolean => new Set(values).size === values.length;
      if (!unique(workers.map(({ worker }) => worker))) broken.push("two workers of one name");
      if (!unique(workers.map(({ pid }) => pid))) broken.push("two workers in one process");
      if (workers.some(({ inFlight }) => inFlight > maxInFlight))
        broken.push("more calls than a worker takes");
      if (workers.filter(({ spare }) => !spare).length > size)
        broken.push("more workers at work than the size");
    };
    const steps = {
      call: () => {
        for (let n = dice.between(1, 30); n > 0; n -= 1) {
          const number = (asked += 1);
          const call = echo.tryCall([number], { idempotent: dice.chance(0.5) }).then((outcome) => {
            if (outcome.ok && outcome.value !== number) broken.push("the answer to another call");
            outcomes.push(outcome);
          });
          open.add(call);
          void call.then(() => open.delete(call));
        }
      },
      kill: () => {
        const victim = dice.oneOf(runtime.workers());
        if (victim !== undefined) process.kill(victim.pid, "SIGKILL");
      },
      // One that is refused because another is under way, or whose first worker was killed, changes nothing.
      rollOut: () => void runtime.rollOut("dspy").catch(() => {}),
      wait: () => {},
    };
    for (let step = 0; step < scaled(40); step += 1) {
      steps[dice.among("call", "call", "call", "kill", "rollOut", "wait")]();
      look();
      await new Promise((resolve) => setTimeout(resolve, dice.between(0, 60)));
      look();
    }
    await Promise.all(open);

    expect(broken).toEqual([]);
    expect(outcomes).toHaveLength(asked);
    const codes = new Set(outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code)));
    expect([...codes].filter((code) => code !== "ok" && code !== "ERR_WORKER_CRASHED")).toEqual([]);

    // What is registered is what runs, and no more than that.
    await eventually(() => runtime.workers().length === size, 30_000);
    await eventually(() => {
      const ours = processes().filter(
        ({ runId, command }) => runId === runtime.runId && !command.includes("guardian"),
      );
      const workers = new Set(runtime.workers().map(({ pid }) => pid));
      return workers.size === size && ours.filter(({ pid }) => workers.has(pid)).length === size;
    });
    expect(await echo.call([7])).toBe(7);
  }, 120_000);
});
