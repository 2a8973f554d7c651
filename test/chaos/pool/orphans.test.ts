import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { release } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { findEnvironment } from "@dspex/python-bridge/environment";
import { eventually } from "../../support/eventually.ts";
import { processes } from "../../support/processes.ts";
import { freshPath, startTestRuntime } from "../../support/runtime.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const service = path.join(import.meta.dirname, "../fixtures/service-to-kill.ts");
const worker = path.join(root, "python-bridge/python/worker.py");

/** What the service tells of itself. */
interface Run {
  readonly runId: string;
  readonly workers: readonly number[];
  /** A process of user code in a session of its own. */
  readonly away: number;
  /** One in its worker's group whose environment does not name the run. */
  readonly plain: number;
}

/** Linux from 6.9 on can signal the group of a process that has gone; the kernel ends workers with Node, before the guardian has looked. */
const [major = 0, minor = 0] = release().split(".").map(Number);
const endsGroupsOfTheDead = major > 6 || (major === 6 && minor >= 9);

const lives = (pid: number): boolean => processes().some((process) => process.pid === pid);
const ofRun = (runId: string): ReturnType<typeof processes> =>
  processes().filter((process) => process.runId === runId);

describe("what a runtime leaves behind", () => {
  const home = freshPath("home");
  const runs = path.join(home, "runs");
  const usual = process.env["DSPEX_HOME"];
  const { python } = findEnvironment()!;
  const started: ChildProcess[] = [];
  const strays: number[] = [];
  beforeAll(() => void (process.env["DSPEX_HOME"] = home));
  afterAll(() => {
    if (usual === undefined) delete process.env["DSPEX_HOME"];
    else process.env["DSPEX_HOME"] = usual;
  });
  // Also where a test fails: jest waits for what it has started.
  afterEach(() => {
    for (const child of started.splice(0)) child.kill("SIGKILL");
    for (const pid of strays.splice(0).filter(lives)) process.kill(pid, "SIGKILL");
  });

  const start = (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    started.push(child);
    return child;
  };
  /** A service that has three workers in trouble; its processes can all be seen. */
  async function startService(): Promise<{ child: ChildProcess; guardian: number; run: Run }> {
    const child = start(process.execPath, ["--import", "tsx", "--conditions=@dspex/source", service, python]);
    const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
    const run = JSON.parse(line) as Run;
    strays.push(run.away, run.plain);
    // Three workers, their zygote, the guardian, and the process that left: each shows its environment as soon as its program has begun.
    const all = await eventually(() => (ofRun(run.runId).length === 6 ? ofRun(run.runId) : undefined));
    expect(all.map(({ pid }) => pid)).toEqual(expect.arrayContaining([...run.workers, run.away]));
    return { child, run, guardian: all.find(({ command }) => command.includes("guardian.py"))!.pid };
  }
  const isGone = ({ runId, plain }: Run): boolean =>
    ofRun(runId).length === 0 && !(endsGroupsOfTheDead && lives(plain));

  it("G6, scenario 2: is gone within 2 s of the end of Node, whatever its workers were doing; a stranger is spared", async () => {
    const stranger = start("sleep", ["60"], { DSPEX_RUN_ID: "run-of-somebody-else" });
    const { child, run } = await startService();
    child.kill("SIGKILL");
    await eventually(() => isGone(run), 2_000);
    await eventually(() => readdirSync(runs).length === 0, 2_000);
    expect(lives(stranger.pid!)).toBe(true);
  }, 30_000);

  it("G6, scenarios 3, 4 and 6: is ended by the next runtime, and nothing else is, where the guardian was killed with Node", async () => {
    await using living = await startTestRuntime({ size: 1, python });
    const { child, run, guardian } = await startService();
    const file = path.join(runs, run.runId);
    // The same script without a run, a process of another run, and one that has a recorded worker's pid by now.
    const decoys = [
      start(python, ["-I", worker]),
      start("sleep", ["60"], { DSPEX_RUN_ID: `${run.runId}x` }),
      start("sleep", ["60"]),
    ];
    await eventually(() => run.workers.every((pid) => readFileSync(file, "utf8").includes(`worker ${pid} `)));

    process.kill(guardian, "SIGSTOP"); // so that it cannot begin
    child.kill("SIGKILL");
    process.kill(guardian, "SIGKILL");
    await eventually(() => !lives(guardian) && !lives(child.pid!));
    appendFileSync(file, `worker ${decoys[2]!.pid} 1\n`);
    expect(lives(run.away)).toBe(true);

    const reaped: unknown[] = [];
    await using next = await startTestRuntime(
      { size: 1, python },
      {
        subscribe: (telemetry) => telemetry.on("pool.run.reaped", ({ fields }) => reaped.push(fields)),
      },
    );
    await eventually(() => ofRun(run.runId).length === 0 && !existsSync(file));
    await eventually(() => reaped.length === 1);
    expect(reaped).toEqual([{ runId: run.runId, processes: expect.any(Number) }]);
    expect(decoys.every(({ pid }) => lives(pid!))).toBe(true);
    expect(lives(living.workers()[0]!.pid)).toBe(true);
    expect(readdirSync(runs).sort()).toEqual([living.runId, next.runId].sort());
  }, 30_000);

  it("scenario 5: is nothing after a stop, though a worker ignores SIGTERM and hangs with a child; also where the run has no file, which is said", async () => {
    const said: string[] = [];
    process.env["DSPEX_HOME"] = "/dev/null";
    const runtime = await startTestRuntime(
      { size: 1, python, drainTimeoutMs: 300 },
      {
        drainTimeoutMs: 100,
        subscribe: (telemetry) =>
          telemetry.on("pool.run.unregistered", ({ fields }) => said.push(fields.reason)),
      },
    ).finally(() => (process.env["DSPEX_HOME"] = home));
    expect(said).toEqual([expect.stringContaining("ENOTDIR")]);
    const pids = freshPath("pids");
    const hang = runtime.pythonFunction<[string], never>("functions:hang_and_ignore_sigterm");
    void hang.tryCall([pids]);
    await eventually(() => existsSync(pids) && readFileSync(pids, "utf8").includes(" "));
    const both = readFileSync(pids, "utf8").split(" ").map(Number);
    process.kill(both[0]!, "SIGTERM");
    expect(both.every(lives)).toBe(true);
    await runtime.stop();
    expect(both.some(lives)).toBe(false);
  }, 30_000);
});
