import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { resolvePoolOptions } from "@dspex/pool";
import { startRuntime } from "dspex";
import { processesOfRun } from "../../../packages/dspex/src/demo/orphans.ts";
import { eventually } from "../../support/eventually.ts";
import { processes } from "../../support/processes.ts";
import { freshPath } from "../../support/runtime.ts";
import { scaled } from "../../support/scale.ts";
import { startForkingRuntime, type ForkingRuntime } from "./forking-runtime.ts";

const warm = { warmUp: ["forked_functions:facts"] } as const;

interface Facts {
  readonly pid: number;
  readonly session: number;
  readonly group: number;
  readonly loadedBy: number;
  readonly random: number;
  readonly descriptors: readonly string[];
  readonly path: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly signals: Readonly<Record<string, string>>;
}

const factsOf = ({ runtime }: ForkingRuntime): Promise<Facts> =>
  runtime.pythonFunction<[], Facts>("forked_functions:facts").call([]);

const lives = (pid: number): boolean => processes().some((process) => process.pid === pid);

/** Kills a worker, and waits until another is in its place; returns how that was born. */
async function replaceWorker({ emitted }: ForkingRuntime, pid: number): Promise<string> {
  const before = emitted("pool.worker.ready").length;
  process.kill(pid, "SIGKILL");
  return (await eventually(() => emitted("pool.worker.ready")[before])).birth;
}

describe("a forked worker", () => {
  let forked: ForkingRuntime;
  let spawned: ForkingRuntime;
  beforeAll(async () => {
    [forked, spawned] = await Promise.all([
      // One function ends its worker in four ways here.
      startForkingRuntime({ size: 2, quarantineAfter: 10, ...warm }),
      startForkingRuntime({ size: 1, zygote: false, ...warm }),
    ]);
  }, 30_000);
  afterAll(() => Promise.all([forked.runtime.stop(), spawned.runtime.stop()]));

  it("is what a spawned one is, inside", async () => {
    const [ours, theirs] = [await factsOf(forked), await factsOf(spawned)];
    const same = ({ path, signals, environment }: Facts) => ({
      path,
      signals,
      environment: { ...environment, DSPEX_RUN_ID: "" },
    });
    expect(same(ours)).toEqual(same(theirs));
    // A spawned one may also have what the system passes on to all processes.
    const others = [...ours.descriptors];
    for (const kind of theirs.descriptors) if (others.includes(kind)) others.splice(others.indexOf(kind), 1);
    expect(others).toEqual([]);
    expect(forked.emitted("pool.worker.ready").map(({ birth }) => birth)).toEqual(["fork", "fork"]);
    expect(spawned.emitted("pool.worker.spawned").map(({ birth }) => birth)).toEqual(["spawn"]);
    expect(spawned.runtime.tree()).not.toMatchObject({ children: expect.arrayContaining(["zygote"]) });
  });

  it("shares what its zygote has loaded, and neither random numbers nor session", async () => {
    const all = await eventually(async () => {
      const facts = await Promise.all(Array.from({ length: 4 }, () => factsOf(forked)));
      return new Set(facts.map(({ pid }) => pid)).size === 2 && facts;
    });
    for (const { pid, session, group, loadedBy } of all)
      expect({ session, group, loadedBy }).toEqual({ session: pid, group: pid, loadedBy: forked.zygote() });
    expect(new Set(all.map(({ random }) => random)).size).toBe(4);
  });

  it("keeps its frames whole, whoever writes to its descriptors", async () => {
    expect(await forked.runtime.pythonFunction<[], string>("forked_functions:make_noise").call([])).toBe("");
    const said = ["from print", "from os.write", "from C", "from a process"];
    await eventually(() =>
      said.every((line) => forked.emitted("pool.worker.log").some(({ text }) => text === line)),
    );
  });

  it.each([
    ["status", 0, { exitCode: 0, signal: null }],
    ["status", 3, { exitCode: 3, signal: null }],
    ["signal", 9, { exitCode: null, signal: "SIGKILL" }],
    ["signal", 11, { exitCode: null, signal: "SIGSEGV" }],
  ])("ends by %s %i, and its exit says so", async (how, number, exit) => {
    const { runtime, emitted } = forked;
    const before = emitted("pool.worker.exited").length;
    const end = runtime.pythonFunction<[string, number], null>("forked_functions:end_by");
    expect(await end.tryCall([how, number])).toMatchObject({
      ok: false,
      error: { code: "ERR_WORKER_CRASHED", details: exit },
    });
    expect(emitted("pool.worker.exited").slice(before)).toMatchObject([exit]);
    await eventually(() => runtime.workers().length === 2);
  });

  it("takes with it what it started, and its number is its own until then", async () => {
    const child = await forked.runtime.pythonFunction<[], number>("forked_functions:start_child").call([]);
    const parent = processes().find(({ pid }) => pid === child)!.parent;
    expect(await replaceWorker(forked, parent)).toBe("fork");
    await eventually(() => !lives(child));
  });

  it("may be a job's process, too", async () => {
    const facts = forked.runtime.pythonFunction<[], Facts>("forked_functions:facts", { lane: "job" });
    expect((await facts.call([])).loadedBy).toBe(forked.zygote());
  });
});

describe("a zygote", () => {
  it("costs no call when it is killed under load, and the next one forks", async () => {
    await using forking = await startForkingRuntime({ size: 2, ...warm });
    const { runtime, emitted, zygote } = forking;
    const wait = runtime.pythonFunction<[number], number>("forked_functions:facts");
    const first = zygote();
    const born = runtime.workers().map(({ pid }) => pid);
    let ended = 0;
    const callers = Array.from({ length: 8 }, async () => {
      for (let calls = 0; calls < scaled(100) || ended === 0; calls += 1) await wait.call([] as never);
    });
    process.kill(first, "SIGKILL");
    ended = await eventually(() => emitted("pool.zygote.exited").length);
    await Promise.all(callers);
    expect(runtime.workers().map(({ pid }) => pid)).toEqual(born);
    await eventually(() => zygote() !== first);

    // A worker of the first one: nobody was told how it ended, but it is missed, and what it started ends with it.
    const child = await runtime.pythonFunction<[], number>("forked_functions:start_child").call([]);
    const parent = processes().find(({ pid }) => pid === child)!.parent;
    expect(await replaceWorker(forking, parent)).toBe("fork");
    expect(emitted("pool.worker.exited")).toMatchObject([{ pid: parent, exitCode: null, signal: null }]);
    await eventually(() => !lives(child));
    expect(
      (await Promise.all([factsOf(forking), factsOf(forking)])).map(({ loadedBy }) => loadedBy),
    ).toContain(zygote());

    // The next one takes its time, so that a zygote which keeps dying cannot use up the pool's restarts. Nobody waits for it.
    process.kill(zygote(), "SIGKILL");
    await eventually(() => emitted("pool.zygote.exited").length === 2);
    expect(await replaceWorker(forking, runtime.workers()[0]!.pid)).toBe("spawn");
    expect(emitted("pool.zygote.ready")).toHaveLength(2);
  }, 30_000);

  it("that is still importing is not waited for when the runtime stops", async () => {
    const spawned: string[] = [];
    const directory = path.dirname(freshPath("dspy.py"));
    writeFileSync(path.join(directory, "dspy.py"), "import time\n\ntime.sleep(60)\n");
    const starting = startRuntime({
      pools: { slow: { paths: [directory] }, broken: { python: "/nowhere/python" } },
      subscribe: (telemetry) =>
        telemetry.on("pool.worker.spawned", ({ fields }) => spawned.push(fields.worker)),
    });
    await expect(starting).rejects.toMatchObject({ code: "ERR_WORKER_BOOT" });
    expect(spawned).toEqual([]);
  });

  it("that is stopped keeps no worker from its start, and is replaced", async () => {
    await using forking = await startForkingRuntime({ size: 1, ...warm });
    const { runtime, zygote } = forking;
    const first = zygote();
    process.kill(first, "SIGSTOP");
    const job = runtime.pythonFunction<[], Facts>("forked_functions:facts", { lane: "job" });
    const { pid, loadedBy } = await job.call([]);
    expect(loadedBy).toBe(pid);
    await eventually(() => zygote() !== first);
    expect((await job.call([])).loadedBy).toBe(zygote());

    // Nor does it keep the end of a worker from being seen.
    process.kill(zygote(), "SIGSTOP");
    await replaceWorker(forking, runtime.workers()[0]!.pid);
  }, 30_000);

  it("leaves a module that a fork would break to the workers", async () => {
    await using forking = await startForkingRuntime({
      size: 1,
      warmUp: ["threaded_module:loaded_here", ...warm.warmUp],
    });
    const { runtime, emitted, zygote } = forking;
    expect(await runtime.pythonFunction<[], boolean>("threaded_module:loaded_here").call([])).toBe(true);
    expect((await factsOf(forking)).loadedBy).toBe(zygote());
    expect(emitted("pool.zygote.ready")).toMatchObject([{ modules: ["forked_functions"] }]);
    expect(emitted("pool.zygote.exited")).toMatchObject([
      { exitCode: 69, stderr: expect.stringMatching(/^threaded_module: .* 1 threads/) },
    ]);
  }, 30_000);

  it("is replaced by one of the new code when the pool is rolled out", async () => {
    const release = (version: number): string => {
      const file = freshPath("release.py");
      writeFileSync(file, `import os\n\nHERE = os.getpid()\n\ndef facts():\n    return [${version}, HERE]\n`);
      return path.dirname(file);
    };
    await using forking = await startForkingRuntime({
      size: 2,
      paths: [release(1)],
      warmUp: ["release:facts"],
    });
    const { runtime, emitted, zygote } = forking;
    const facts = runtime.pythonFunction<[], [number, number]>("release:facts");
    expect(await facts.call([])).toEqual([1, zygote()]);
    const first = zygote();
    await runtime.rollOut("dspy", { paths: [release(2)] });
    // The first one is to show that the code works by itself.
    expect(emitted("pool.worker.ready").map(({ birth }) => birth)).toEqual(["fork", "fork", "spawn", "fork"]);
    expect(zygote()).not.toBe(first);
    expect(emitted("pool.zygote.exited")).toMatchObject([{ pid: first, expected: true }]);
    await replaceWorker(forking, runtime.workers()[0]!.pid);
    const all = await Promise.all([facts.call([]), facts.call([])]);
    expect(all).toEqual([
      [2, zygote()],
      [2, zygote()],
    ]);
  }, 30_000);

  it("cannot be asked for where a fork is not safe", () => {
    const resolve = (zygote: boolean | undefined, platform: NodeJS.Platform): boolean =>
      resolvePoolOptions("pools.a", zygote === undefined ? {} : { zygote }, () => "python", platform).zygote;
    expect([resolve(undefined, "linux"), resolve(undefined, "darwin"), resolve(false, "linux")]).toEqual([
      true,
      false,
      false,
    ]);
    expect(() => resolve(true, "darwin")).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_OPTION",
        message: expect.stringContaining("left out on darwin"),
      }),
    );
  });
});

describe("a runtime that is killed after its zygote was", () => {
  const root = path.resolve(import.meta.dirname, "../../..");
  const service = path.join(import.meta.dirname, "../fixtures/service-with-zygote.ts");

  it("G6: leaves no process behind after 2 s, and no socket", async () => {
    const node = spawn(process.execPath, ["--import", "tsx", "--conditions=@dspex/source", service], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [runId] = (await once(createInterface({ input: node.stdout }), "line")) as [string];
      // Three workers with two processes each, and the guardian.
      expect(processesOfRun(runId)!.length).toBeGreaterThanOrEqual(10);
      const killedAt = performance.now();
      node.kill("SIGKILL");
      await eventually(() => processesOfRun(runId)?.length === 0, 2_000);
      expect(performance.now() - killedAt).toBeLessThan(2_000);
      await eventually(() => readdirSync(tmpdir()).every((name) => !name.startsWith(`dspex-${runId}-`)));
    } finally {
      node.kill("SIGKILL");
    }
  }, 30_000);
});
