import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "@jest/globals";

const root = path.resolve(import.meta.dirname, "../..");

function start(args: readonly string[], flags: readonly string[] = []): ChildProcess {
  const command = ["--import", "tsx", "--conditions=@dspex/source", ...flags];
  const script = path.join(import.meta.dirname, "fixtures/process.ts");
  return spawn(process.execPath, [...command, script, ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function run(scenario: string, flags?: readonly string[]) {
  const child = start([scenario], flags);
  const status = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  return { status: await status, lines: stdout.trim().split("\n"), stderr };
}

/** Runs the signal scenario, and sends SIGTERM at each line that it prints, as long as there are any left to send. */
async function runWithSignals(signals: Record<string, NodeJS.Signals>, ...args: string[]) {
  const child = start(["signals", ...args]);
  const lines: string[] = [];
  createInterface({ input: child.stdout! }).on("line", (line) => {
    lines.push(line);
    const signal = signals[line];
    if (signal !== undefined) child.kill(signal);
  });
  const [status, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once("close", (...end) => resolve(end)),
  );
  return { status, signal, lines };
}

describe("failures of asynchronous code", () => {
  it("end the child whose code it was, whatever it failed in", async () => {
    const { status, lines } = await run("attributed");
    expect(lines.sort()).toEqual([
      "alive: 0",
      "child_terminated a handler's promise#1 handler's promise",
      "child_terminated a timer#1 timer",
      "child_terminated an async action#1 async action",
      "child_terminated an async callback#1 async callback",
      "child_terminated the start#1 start",
    ]);
    expect(status).toBe(0);
  });

  it("that come when their incarnation has ended are reported, and end nobody", async () => {
    const { status, lines } = await run("late");
    expect(lines).toEqual(["late_failure a#1 too late", "alive: b"]);
    expect(status).toBe(0);
  });

  it("of a bystander are not those of the actor that it was told about", async () => {
    const { status, lines } = await run("bystander");
    expect(lines).toEqual(["listener: a log that fails later", "incarnation: 1"]);
    expect(status).toBe(0);
  });

  it.each(["rejection", "exception"])(
    "that belong to nobody are reported, and end the process as Node does: %s",
    async (scenario) => {
      const { status, lines, stderr } = await run(scenario);
      expect(lines).toEqual(["unattributed_failure  nobody's"]);
      expect(stderr).toContain("Error: nobody's");
      expect(status).toBe(1);
    },
  );

  it("that belong to nobody are left to a listener of the application, and to Node's flag", async () => {
    const listener = await run("listener");
    expect(listener.lines).toEqual(["listener: nobody's", "unattributed_failure  nobody's", "still here"]);
    const flag = await run("rejection", ["--unhandled-rejections=warn"]);
    expect(flag.lines).toEqual(["unattributed_failure  nobody's", "still here"]);
    expect([listener.status, flag.status]).toEqual([0, 0]);
  });

  it("leave no listener behind when the application has ended", async () => {
    expect((await run("stopped")).lines).toEqual(["listeners: 0 0"]);
  });
});

describe("memory", () => {
  it("nothing is kept of incarnations that ended, whatever names they had", async () => {
    const { lines } = await run("names");
    expect(lines[0]).toBe("incarnation: 101");
    const [, inMemory] = /^in memory: (\d+)$/.exec(lines[1]!)!;
    expect(Number(inMemory)).toBeGreaterThan(0);
    expect(Number(inMemory)).toBeLessThan(10);
  });
});

describe("handleSignals", () => {
  it("stops the tree in order at the first SIGTERM, and exits as shells expect", async () => {
    const { status, lines } = await runWithSignals({ ready: "SIGTERM" });
    expect(lines).toEqual(["ready", "terminating", "terminated", "finished: shutdown 0"]);
    expect(status).toBe(143);
  });

  it("ends at once at the second signal", async () => {
    const { status, lines } = await runWithSignals({ ready: "SIGINT", terminating: "SIGINT" }, "slowly");
    expect(lines).toEqual(["ready", "terminating"]);
    expect(status).toBe(130);
  });
});
