import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";

import { forkWorker } from "@dspex/python-bridge/environment";
import { callBin, runBin } from "./in-node.ts";

jest.setTimeout(30_000);

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "dspex-home-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

describe("dspex", () => {
  it.each([
    [["build"], `Unknown command "build".`],
    [["setup", "--force"], "dspex setup: Unknown option '--force'."],
    [["setup", "now"], "dspex setup: Unexpected argument 'now'."],
    [["doctor", "--json=yes"], "dspex doctor: Option '--json' does not take an argument."],
  ])("%j is wrong usage: said on stderr, exit code 2", async (args, words) => {
    const { status, stdout, stderr } = await runBin("dspex.mjs", args);
    expect({ status, stdout, first: stderr.split("\n")[0] }).toEqual({ status: 2, stdout: "", first: words });
  });

  it("tells its commands and its version", async () => {
    expect(await runBin("dspex.mjs", ["--help"])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/setup[^]*doctor/),
    });
    expect((await runBin("dspex.mjs", ["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("dspex setup", () => {
  it("says in one line what to do when no Python can be used, and what was tried", async () => {
    const { status, stdout, stderr } = await runBin("dspex.mjs", ["setup"], {
      DSPEX_HOME: home,
      PATH: home,
      VIRTUAL_ENV: "",
      DSPEX_PYTHON: "",
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(
      /✗ No Python ≥3\.11,<3\.16 was found\.\n {4}python3: not found\n[^]*\n {2}→ Install one .*\n$/,
    );
  });

  it("says in one line what to do when the index cannot be reached", async () => {
    const { status, stdout, stderr } = await runBin("dspex.mjs", ["setup"], {
      DSPEX_HOME: home,
      PIP_CONFIG_FILE: "/dev/null",
      PIP_FIND_LINKS: "",
      PIP_RETRIES: "0",
      PIP_INDEX_URL: "http://127.0.0.1:9/simple",
      UV_OFFLINE: "1",
      UV_NO_CACHE: "1",
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/✗ The package index cannot be reached, .*\n {2}→ Check the network .*\n$/);
  });
});

describe("dspex doctor", () => {
  interface Report {
    readonly ok: boolean;
    readonly checks: readonly { name: string; status: string; detail: string; remedy?: string }[];
  }

  it("finds a machine well on which the tests run, down to a worker that answers", async () => {
    const { status, stdout } = await runBin("dspex.mjs", ["doctor", "--json"]);
    const { ok, checks } = JSON.parse(stdout) as Report;
    expect(checks.filter((check) => check.status === "failed")).toEqual([]);
    expect({ status, ok }).toEqual({ status: 0, ok: true });
    expect(checks.map(({ name }) => name).join(", ")).toBe(
      "platform, version, modules, interpreter, environment, DSPy, worker, zygote, cache, stale workers",
    );
    const detailOf = (name: string): string => checks.find((check) => check.name === name)!.detail;
    expect(detailOf("worker")).toMatch(/^ready in \d+ ms when spawned$/);
    expect(detailOf("zygote")).toMatch(/^workers are forked, ready in \d+ ms$/);
  });

  it("says why workers are not forked", async () => {
    expect(await forkWorker({ python: "/nowhere" }, { platform: "darwin" })).toEqual({
      reason: "a fork is not safe on darwin",
    });
    expect(await forkWorker({ python: "/bin/false" })).toEqual({ reason: "exit code 1" });
  });

  it("says that Windows is not supported", async () => {
    const problem = async (platform: string) =>
      (await callBin<object | null>("platform.mjs", "platformProblem", [platform])).returned;
    expect(await problem("win32")).toMatchObject({
      problem: expect.stringContaining("Windows is not supported"),
    });
    expect([await problem("linux"), await problem("darwin")]).toEqual([null, null]);
  });

  it("names the remedy where there is no environment, and fails", async () => {
    const { status, stdout } = await runBin("dspex.mjs", ["doctor"], { DSPEX_HOME: home });
    expect(status).toBe(1);
    expect(stdout).toContain("  ✗ environment: not set up for this lock file\n    → npx dspex setup\n");
  });

  it("names processes of a run whose runtime is gone, and no others", async () => {
    const processes = {
      1: { comm: "init", environ: "", stat: "1 (init) S 0 1" },
      20: { comm: "python", environ: "A=1\0DSPEX_RUN_ID=r1\0", stat: "20 (a ) (b) S 1 20" },
      21: { comm: "python", environ: "DSPEX_RUN_ID=r2\0", stat: "21 (python) S 300 21" },
      // A worker in service whose zygote is gone, and the guardian of its run.
      23: { comm: "python", environ: "DSPEX_RUN_ID=r3\0", stat: "23 (python) S 1 23" },
      24: { comm: "python", environ: "DSPEX_RUN_ID=r3\0", stat: "24 (python) S 300 24" },
      25: { comm: "sleep", environ: "DSPEX_RUN_ID=r1\0", stat: "25 (sleep) S 20 25" },
      22: { comm: "cron", environ: "NOT_DSPEX_RUN_ID=r\0", stat: "22 (cron) S 1 22" },
    };
    const write = async (pid: string, files: Record<string, string>): Promise<void> => {
      await mkdir(join(home, pid), { recursive: true });
      for (const [name, content] of Object.entries(files)) await writeFile(join(home, pid, name), content);
    };
    for (const [pid, files] of Object.entries(processes)) await write(pid, files);
    const stale = async () => (await callBin<number[]>("stale-workers.mjs", "staleWorkers", [home])).returned;
    expect(await stale()).toEqual([20]);
    await write("1", { comm: "node\n" }); // a container whose first process may be the runtime
    expect(await stale()).toEqual([]);
  });
});

describe("the bootstrap", () => {
  it("refuses an old Node with a remedy", async () => {
    const problem = async (version: string) =>
      (await callBin<{ problem: string } | null>("node-version.mjs", "nodeProblem", [version])).returned;
    expect(await problem("18.20.4")).toMatchObject({
      problem: "Node 18.20.4 is too old: DSPex needs 20.19 or newer.",
    });
    expect(await problem("20.18.0")).not.toBeNull();
    expect(await problem("20.19.0")).toBeNull();
    expect(await problem("24.1.0")).toBeNull();
  });

  it("knows two commands", async () => {
    expect(await runBin("bootstrap.mjs", ["bench"])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/demo\|test/),
    });
  });
});
