import { describe, expect, it } from "@jest/globals";
import { createOfflineServer } from "../../packages/dspex/src/demo/offline-server.ts";
import {
  bundledTickets,
  inputFile,
  manyTickets,
  runDemo,
  startDemo,
  type RunningDemo,
} from "../support/demo.ts";
import { eventually } from "../support/eventually.ts";
import { family, processes } from "../support/processes.ts";

const alive = (runId: string) => processes().filter((process) => process.runId === runId);

describe("npm run demo", () => {
  it("G1, G5, G6, G10: runs every ticket through real DSPy while a worker is killed, and loses nothing", async () => {
    const { status, stdout, report } = await runDemo(["--json"]);
    expect(status).toBe(0);
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(report).toMatchObject({
      tickets: bundledTickets.length,
      results: bundledTickets.length,
      failed: 0,
      invalidLines: [],
      orphans: 0,
      dspyVersion: "3.4.1",
      transport: "stdio/msgpack",
    });
    expect(report.tickets).toBeGreaterThanOrEqual(60);
    for (const count of [report.retried, report.workersKilled, report.restarts])
      expect(count).toBeGreaterThanOrEqual(1);
    expect(report.accuracy!).toBeGreaterThan(report.baseline!);
    expect(report.chainOfThought / report.tickets).toBeGreaterThanOrEqual(0.1);
    expect(report.chainOfThought / report.tickets).toBeLessThanOrEqual(0.5);
    expect(report.p99Ms!).toBeGreaterThanOrEqual(report.p50Ms!);

    // Every ticket is a run of the pipeline, every customer a conversation.
    expect(report.pipelines).toBe(report.tickets);
    expect(report.sessions).toBe(new Set(bundledTickets.map(({ customer }) => customer)).size);
    // The learner moves the calls away from the endpoint that became slow, and says why.
    const { slowed, before, after } = report.endpointCalls!;
    expect(slowed).toBe("b");
    expect(before["b"]).toBeGreaterThan(0);
    expect(after["a"]! / (after["a"]! + after["b"]!)).toBeGreaterThan(0.7);
    expect(report.decisions.length).toBe(sum(before) + sum(after));
    for (const { callId, chose, among, because } of report.decisions) {
      expect(callId).toMatch(/^call-/);
      expect(among).toEqual(["a", "b"]);
      expect(among).toContain(chose);
      expect(because).not.toBe("");
    }
    // The inspector saw every actor that lived.
    expect(report.inspectedActors).toBe(report.actorsLived);
    expect(report.actorsLived).toBeGreaterThan(report.pipelines + report.sessions);
  }, 60_000);

  it("answers its first call within 5 s of its start", async () => {
    const one = inputFile([JSON.stringify({ id: "a", text: "My invoice is wrong.", language: "en" })]);
    // Other tests share the machine: what counts is that it can.
    let firstCallMs = Infinity;
    for (let run = 0; run < 3 && firstCallMs >= 5_000; run += 1)
      firstCallMs = (await runDemo(["--json", "--input", one])).report.firstCallMs!;
    expect(firstCallMs).toBeLessThan(5_000);
  }, 60_000);

  it("reports malformed lines with their numbers, and runs the rest", async () => {
    const good = JSON.stringify({ id: "a", text: "My invoice is wrong.", language: "en" });
    const lines = [
      good,
      "{ not json",
      '{"id":"b","language":"en"}',
      "",
      "[1]",
      good,
      '{"id":"c","text":"x","language":"en","expected":"weather"}',
    ];
    const { status, report } = await runDemo(["--json", "--input", inputFile(lines)]);
    expect(status).toBe(0);
    expect(report).toMatchObject({ tickets: 1, results: 1, failed: 0, accuracy: null, baseline: null });
    expect(report.invalidLines).toEqual([
      { line: 2, reason: "not JSON" },
      { line: 3, reason: '"text" is missing or not a text' },
      { line: 5, reason: "not a JSON object" },
      { line: 6, reason: 'the id "a" was there before' },
      { line: 7, reason: '"expected" is "weather", none of billing, shipping, technical, account, refund' },
    ]);
  }, 60_000);

  it("fails when the input holds no valid ticket", async () => {
    const { status, report, stderr } = await runDemo(["--json", "--input", inputFile([])]);
    expect(status).toBe(1);
    expect(report).toMatchObject({ tickets: 0, results: 0, firstCallMs: null, p50Ms: null });
    expect(stderr).toContain("holds no valid ticket");
  }, 60_000);

  it("fails with clear words when the model cannot be reached", async () => {
    const input = inputFile([JSON.stringify({ id: "a", text: "My invoice is wrong.", language: "en" })]);
    const { status, report, stderr } = await runDemo(["--json", "--input", input], {
      DSPEX_LM: "some-model",
      OPENAI_BASE_URL: "http://127.0.0.1:1/v1",
    });
    expect(status).toBe(1);
    expect(report).toMatchObject({ tickets: 1, results: 0, failed: 1, orphans: 0 });
    expect(stderr).toContain("ERR_LM_TRANSPORT http://127.0.0.1:1/v1/chat/completions cannot be reached");
  }, 60_000);

  it.each([
    ["an unknown flag", ["--colour"], "--colour"],
    ["a file that does not exist", ["--input", "/nowhere.jsonl"], "/nowhere.jsonl"],
    ["no workers", ["--workers", "0"], "--workers"],
  ])(
    "explains %s and exits with 2",
    async (_what, args, named) => {
      const { status, stderr } = await runDemo(args);
      expect(status).toBe(2);
      expect(stderr).toContain(named);
      expect(stderr).toContain("Usage: npm run demo");
    },
    60_000,
  );

  it("finishes what is on its way at the first SIGINT", async () => {
    const demo = startDemo(["--json", "--input", manyTickets(5_000)]);
    const runId = await runInFullSwing(demo);
    process.kill(-demo.pid, "SIGINT");
    const { status, report } = await demo.finished;
    expect(status).toBe(130);
    expect(report.results).toBeGreaterThan(0);
    expect(report.results).toBeLessThan(5_000);
    expect(alive(runId)).toEqual([]);
  }, 60_000);

  it("G6: stops at once at the second SIGINT, whatever is on its way", async () => {
    await using model = await createOfflineServer();
    const demo = startDemo(["--json", "--input", manyTickets(5_000)], {
      DSPEX_LM: "a-model",
      OPENAI_BASE_URL: model.url,
      OPENAI_API_KEY: model.apiKey,
    });
    const runId = await runInFullSwing(demo);
    // From here on nothing is answered: what is on its way will not finish.
    model.setLatencyMs(60_000);
    process.kill(-demo.pid, "SIGINT");
    await eventually(() => demo.stderr().includes("Once more to stop at once."));
    // A second within 300 ms counts as the first: npm passes one on, too.
    await new Promise((resolve) => setTimeout(resolve, 500));
    process.kill(-demo.pid, "SIGINT");
    expect((await demo.finished).status).toBe(130);
    await eventually(() => alive(runId).length === 0, 2_000);
  }, 60_000);

  it.each(["npm", "the demo itself"])(
    "G6: leaves nothing behind 2 s after a SIGKILL of %s",
    async (which) => {
      const demo = startDemo(["--json", "--input", manyTickets(20_000)]);
      const runId = await runInFullSwing(demo);
      const nodes = family(demo.pid).filter(
        ({ command, runId: own }) => own === undefined && /\b(node|npm)\b/.test(command),
      );
      // These are all the Node processes that there are.
      expect(nodes).toHaveLength(2);
      const victim = which === "npm" ? nodes[0]! : nodes[1]!;
      process.kill(victim.pid, "SIGKILL");
      await eventually(
        () =>
          alive(runId).length === 0 &&
          nodes.every(({ pid }) => !processes().some((process) => process.pid === pid)),
        2_000,
      );
    },
    60_000,
  );
});

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** The id of a demo's run, once its first ticket is done. */
async function runInFullSwing(demo: RunningDemo): Promise<string> {
  await eventually(() => demo.stderr().includes("  T-"), 30_000);
  return family(demo.pid).find(({ runId }) => runId !== undefined)!.runId!;
}
