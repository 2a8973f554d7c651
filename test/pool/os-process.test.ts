import { describe, expect, it, jest } from "@jest/globals";
import { spawnProcess } from "@dspex/pool";
import { eventually } from "../support/eventually.ts";
import { processes } from "../support/processes.ts";

describe("a process that the system does not start", () => {
  it.each([
    ["an executable that does not exist", { file: "/nowhere/python", args: [] }, {}, /ENOENT/],
    [
      "an environment that is too large",
      { file: process.execPath, args: [] },
      { HUGE: "x".repeat(4_000_000) },
      /E2BIG/,
    ],
  ])(
    "has no pid, streams that do nothing, and an end that says why: %s",
    async (_what, command, env, reason) => {
      const started = spawnProcess(command, env);
      expect(started.pid).toBeUndefined();
      started.stdin.write("nobody reads this");
      started.kill();
      expect((await started.exited).spawnError?.message).toMatch(reason);
    },
  );
});

describe("a process that the system starts", () => {
  it("is ended with the processes that it started, and is not signalled after its end", async () => {
    const script = "sleep 60 & echo $!; wait";
    const started = spawnProcess({ file: "/bin/sh", args: ["-c", script] }, {});
    const child = Number(
      await new Promise<string>((resolve) =>
        started.stdout.once("data", (text: Buffer) => resolve(String(text))),
      ),
    );
    started.kill();
    expect(await started.exited).toMatchObject({ signal: "SIGKILL" });
    await eventually(() => !processes().some(({ pid }) => pid === child));
    // The number of its group may come to mean another one.
    const signalled = jest.spyOn(process, "kill");
    started.kill();
    expect(signalled).not.toHaveBeenCalled();
    signalled.mockRestore();
  });
});
