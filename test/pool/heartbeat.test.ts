import { describe, expect, it } from "@jest/globals";
import { createManualClock, type Clock } from "@dspex/core";
import { Heartbeat } from "../../packages/pool/src/heartbeat.ts";
import type { ProcessState } from "@dspex/pool";
import { turn } from "./played-worker.ts";

const heartbeatMs = 1_000;

/** The heartbeat of a worker that sleeps and does not answer, unless the test says so. */
function beating() {
  const manual = createManualClock();
  let jumpedMs = 0;
  const clock: Clock = {
    now: () => manual.now() + jumpedMs,
    setTimeout: (callback, delayMs) => manual.setTimeout(callback, delayMs),
  };
  const answers: (() => void)[] = [];
  const missed: string[] = [];
  let pings = 0;
  let looks = 0;
  let held = false;
  const heartbeat = new Heartbeat({
    heartbeatMs,
    maxMissed: 3,
    maxBusyMs: 60_000,
    clock,
    ping: () => (pings += 1),
    look: () => {
      looks += 1;
      const state: ProcessState = { letter: "S", cpuMs: 0, started: "1" };
      return held ? new Promise((resolve) => answers.push(() => resolve(state))) : Promise.resolve(state);
    },
    onMissed: (ping) => missed.push(`${ping.missed} ${ping.verdict}${ping.fatal ? "!" : ""}`),
  });
  heartbeat.beat();
  return {
    heartbeat,
    missed,
    manual,
    pings: () => pings,
    looks: () => looks,
    /** Answers to questions wait from now on. */
    hold: () => (held = true),
    tell: async (): Promise<void> => {
      for (const answer of answers.splice(0)) answer();
      await turn();
    },
    /** Time passes, and the host hears of it. */
    pass: async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= heartbeatMs / 2) {
        manual.advance(Math.min(left, heartbeatMs / 2));
        await turn();
      }
    },
    /** The machine sleeps, or the host's event loop does not run: timers are late. */
    jump: (ms: number) => (jumpedMs += ms),
  };
}

describe("a heartbeat", () => {
  it("does not ask the system for a worker that answers", async () => {
    const { heartbeat, pass, pings, looks, missed } = beating();
    for (let beat = 0; beat < 5; beat += 1) {
      heartbeat.answered();
      await pass(heartbeatMs);
    }
    expect([pings(), looks(), missed]).toEqual([6, 0, []]);
  });

  it("finds a worker that does not, after exactly maxMissed PINGs, and says so no further", async () => {
    const { pass, pings, missed, manual } = beating();
    await pass(2 * heartbeatMs);
    expect(missed).toEqual(["1 blocked", "2 blocked"]);
    await pass(heartbeatMs);
    expect(missed).toEqual(["1 blocked", "2 blocked", "3 blocked!"]);
    await pass(10 * heartbeatMs);
    expect([missed.length, pings(), manual.pending]).toEqual([3, 4, 0]);
  });

  it("begins anew with a PONG that comes late, to whichever PING", async () => {
    const { heartbeat, pass, missed } = beating();
    await pass(2.5 * heartbeatMs);
    heartbeat.answered();
    await pass(4 * heartbeatMs);
    expect(missed).toEqual(["1 blocked", "2 blocked", "1 blocked", "2 blocked", "3 blocked!"]);
  });

  it("scenario 28: ignores what it hears of a worker when the PONG came meanwhile", async () => {
    const { heartbeat, pass, hold, tell, missed } = beating();
    await pass(2.5 * heartbeatMs);
    hold();
    await pass(0.5 * heartbeatMs);
    heartbeat.answered();
    await tell();
    expect(missed).toEqual(["1 blocked", "2 blocked"]);
  });

  it("counts nothing while the host itself was away for longer than a beat, however long that was", async () => {
    const { pass, jump, missed } = beating();
    await pass(2.5 * heartbeatMs);
    jump(3_600_000);
    await pass(0.5 * heartbeatMs);
    expect(missed).toEqual(["1 blocked", "2 blocked"]);
    await pass(3 * heartbeatMs);
    expect(missed.slice(2)).toEqual(["1 blocked", "2 blocked", "3 blocked!"]);
  });

  it("ends with the worker", async () => {
    const { heartbeat, pass, hold, tell, missed, manual } = beating();
    hold();
    await pass(heartbeatMs);
    heartbeat.stop();
    await tell();
    expect([missed, manual.pending]).toEqual([[], 0]);
  });
});
