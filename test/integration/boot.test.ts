import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import { findEnvironment } from "@dspex/python-bridge/environment";
import { startRuntime } from "dspex";
import { freshPath } from "../support/runtime.ts";

/** An interpreter that is a shell script. */
function interpreter(script: string): string {
  const file = freshPath("python");
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

const python = (): string => findEnvironment()!.python;

describe("a pool that cannot start", () => {
  it.each([
    ["an interpreter that does not exist", () => "/nowhere/python", /could not be started/],
    [
      "a Python without DSPy",
      () => interpreter(`exec ${python()} -S "$@"`),
      /status 78, and said: .*this Python has no msgspec/,
    ],
    ["a process that exits 0 while booting", () => interpreter("exit 0"), /exited with status 0/],
    [
      "a process that prints something else",
      () => interpreter("echo hello, is it me you are looking for; sleep 5"),
      /broke the protocol/,
    ],
    ["a process that is silent", () => interpreter("sleep 5"), /silent for 400 ms/],
  ])(
    "tells of %s, with the remedy",
    async (_what, make, reason) => {
      const bootTimeoutMs = _what.includes("silent") ? 400 : 10_000;
      const starting = startRuntime({ pools: { dspy: { size: 1, python: make(), bootTimeoutMs } } });
      await expect(starting).rejects.toMatchObject({
        code: "ERR_WORKER_BOOT",
        message: expect.stringMatching(reason),
      });
      await expect(starting).rejects.toMatchObject({ message: expect.stringContaining("npx dspex doctor") });
    },
    20_000,
  );

  it("tells of a greeting that is larger than a frame may be", async () => {
    const paths = ["/somewhere/".padEnd(2_000, "else/")];
    await expect(
      startRuntime({ pools: { dspy: { size: 1, paths, maxFrameBytes: 1_024 } } }),
    ).rejects.toMatchObject({
      code: "ERR_WORKER_BOOT",
      message: expect.stringMatching(/was not greeted: The value takes \d+ bytes/),
    });
  }, 20_000);

  it("tells where a worker hangs that does not become ready", async () => {
    const directory = path.dirname(freshPath("dspy.py"));
    writeFileSync(
      path.join(directory, "dspy.py"),
      "import time\n\ndef fetch():\n    time.sleep(60)\n\nfetch()\n",
    );
    const pool = { size: 1, paths: [directory], bootTimeoutMs: 1_000 };
    await expect(startRuntime({ pools: { dspy: pool } })).rejects.toMatchObject({
      code: "ERR_WORKER_BOOT",
      message: expect.stringContaining("it was silent for 1000 ms"),
      details: { stderr: expect.stringMatching(/dspy\.py", line 4 in fetch/) },
    });
  }, 20_000);

  it.each([
    ["size", { size: 0 }, "pools.dspy.size", "0"],
    ["maxInFlight", { maxInFlight: 1.5 }, "pools.dspy.maxInFlight", "1.5"],
    ["heartbeatMs", { heartbeatMs: -1 }, "pools.dspy.heartbeatMs", "-1"],
  ])("rejects a bad %s with its place and value", async (_name, pool, option, value) => {
    const starting = startRuntime({ pools: { dspy: pool } });
    await expect(starting).rejects.toMatchObject({
      code: "ERR_INVALID_OPTION",
      message: expect.stringContaining(option),
    });
    await expect(starting).rejects.toMatchObject({ message: expect.stringContaining(`received ${value}`) });
  });
});
