import { spawn } from "node:child_process";
import { describe, expect, it } from "@jest/globals";
import { readProcess } from "@dspex/pool";
import { parseProcStat, parsePs, readByPs } from "../../packages/pool/src/process-state.ts";
import { eventually } from "../support/eventually.ts";

/** The fields behind the letter: utime is 12 ticks, stime 3, the start 4567. */
const rest = "1 2 3 0 -1 4 5 6 7 8 12 3 90 91 20 0 1 0 4567 1000";

describe("the state of a process", () => {
  it.each(["python", "a b", "S (sh) R", ") R 1 (", "T", "", "new\nline) T 1 2"])(
    "is read from /proc whatever its name: %j",
    (name) => {
      expect(parseProcStat(`77 (${name}) S ${rest}`)).toEqual({ letter: "S", cpuMs: 150, started: "4567" });
    },
  );

  it("is read from what ps says of it", () => {
    const started = "Tue Nov 24 13:15:39 2026";
    expect(parsePs(`Ss+    0:00.03 ${started}\n`)).toEqual({ letter: "S", cpuMs: 30, started });
    expect(parsePs(`T  2-01:00:02 ${started}    \n`)).toEqual({ letter: "T", cpuMs: 176_402_000, started });
    expect(parsePs(`R    75:01.50 ${started}\n`)).toMatchObject({ cpuMs: 4_501_500 });
  });

  it.each(["", "\n", "garbage", "77 (python) S 1 2"])("is unknown when the system says %j", (text) => {
    expect([parseProcStat(text), parsePs(text)]).toEqual([undefined, undefined]);
  });

  it("is none where the process has ended, also as long as nobody has asked how", () => {
    expect(parseProcStat(`77 (python) Z ${rest}`)).toBeUndefined();
    expect(parsePs("Z+ 0:00.00 Tue Nov 24 13:15:39 2026")).toBeUndefined();
  });

  it.each([
    ["as this system tells it", readProcess],
    ["as ps tells it", readByPs],
  ])("is what it is: %s", async (_how, read) => {
    const child = spawn("sleep", ["60"]);
    const asleep = await eventually(async () => {
      const state = await read(child.pid!);
      return state?.letter === "S" ? state : undefined;
    });
    expect(asleep.cpuMs).toBeLessThan(1_000);
    child.kill("SIGSTOP");
    const stopped = await eventually(async () => {
      const state = await read(child.pid!);
      return state?.letter === "T" ? state : undefined;
    });
    expect(stopped.started).toBe(asleep.started);
    child.kill("SIGKILL");
    await eventually(async () => (await read(child.pid!)) === undefined);
    expect((await read(process.pid))!.cpuMs).toBeGreaterThan(0);
  });
});
