import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "@jest/globals";
import { eventually } from "../../support/eventually.ts";
import { processes } from "../../support/processes.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const service = path.join(import.meta.dirname, "../fixtures/service-that-ends.ts");

/** Starts the service, reads its first line, and closes what it prints to; its run and its exit code. */
async function end(how: string): Promise<{ readonly runId: string; readonly code: number | null }> {
  const child = spawn(process.execPath, ["--import", "tsx", "--conditions=@dspex/source", service, how], {
    cwd: root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const code = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const runId = await new Promise<string>((resolve) =>
    createInterface({ input: child.stdout! }).once("line", resolve),
  );
  child.stdout!.destroy();
  return { runId, code: await code };
}

describe("a service that ends in whatever way", () => {
  it("scenario 9, G6: has the exit code that it means, and leaves nothing behind", async () => {
    const codes = { stop: 0, exit: 3, throw: 1, "exit after a stop": 4, print: 1 };
    const ends = await Promise.all(Object.keys(codes).map(async (how) => [how, await end(how)] as const));
    expect(Object.fromEntries(ends.map(([how, { code }]) => [how, code]))).toEqual(codes);
    const runs = new Set(ends.map(([, { runId }]) => runId));
    await eventually(() => processes().every(({ runId }) => runId === undefined || !runs.has(runId)), 2_000);
  }, 60_000);
});
