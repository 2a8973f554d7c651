import { describe, expect, it } from "@jest/globals";
import { DspexError, replay, scripted, signature, type LearnerEntry } from "dspex";
import { startTestRuntime } from "../support/runtime.ts";

const reply = "[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]";

describe("the learner of a running system", () => {
  it("G12: makes the same decisions again from its log and seed", async () => {
    const log: LearnerEntry[] = [];
    let slow = false;
    const endpoint = (latencyMs: () => number) =>
      scripted(async () => {
        await new Promise((resolve) => setTimeout(resolve, latencyMs()));
        return reply;
      });
    await using runtime = await startTestRuntime(
      { size: 1 },
      {
        lm: { a: endpoint(() => 5), b: endpoint(() => (slow ? 100 : 3)) },
        learner: { seed: 7, log: (entry) => log.push(entry) },
      },
    );
    const ask = runtime.program(signature("question -> answer"), { lm: { endpoint: ["a", "b"] } });
    const callIds: string[] = [];
    for (let round = 0; round < 15; round += 1) {
      slow = round >= 8;
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => ask.tryCall({ question: "?" })));
      callIds.push(...outcomes.map(({ meta }) => meta.callId));
    }
    const decided = callIds.map((callId) => runtime.explain(callId));
    expect(decided).not.toContain(undefined);
    expect(new Set(decided.map((decision) => decision!.chose))).toEqual(new Set(["a", "b"]));

    const again = new Map(
      replay(JSON.parse(JSON.stringify(log)) as LearnerEntry[], 7).map((decision) => [
        decision.callId,
        decision,
      ]),
    );
    expect(callIds.map((callId) => again.get(callId))).toEqual(decided);
    // Another seed tries at other times: the log alone is not enough.
    const other = replay(log, 8).map(({ chose }) => chose);
    expect(other).not.toEqual(decided.map((decision) => decision!.chose));
  }, 30_000);

  it("leaves an endpoint that is down, and says why", async () => {
    const down = scripted(() => {
      throw new DspexError("ERR_LM_SERVER", "down", { details: { endpoint: "a" } });
    });
    await using runtime = await startTestRuntime({ size: 1 }, { lm: { a: down, b: scripted(() => reply) } });
    const ask = runtime.program(signature("question -> answer"), { lm: { endpoint: ["a", "b"] } });
    const outcomes = [];
    for (let call = 0; call < 60; call += 1) outcomes.push(await ask.tryCall({ question: "?" }));
    const last = outcomes.slice(-40);
    expect(last.filter(({ meta }) => meta.endpoint === "b").length).toBeGreaterThanOrEqual(36);
    expect(outcomes.filter(({ ok }) => !ok).every(({ meta }) => meta.endpoint === "a")).toBe(true);
    const rows = runtime.learner.insights();
    expect(rows.find(({ endpoint }) => endpoint === "a")!.failureRate).toBeGreaterThan(0.5);
    expect(rows.find(({ endpoint }) => endpoint === "b")!.failureRate).toBe(0);
  }, 30_000);
});
