import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "@jest/globals";
import { processesOfRun } from "../../packages/dspex/src/demo/orphans.ts";
import { eventually } from "../support/eventually.ts";

const root = path.resolve(import.meta.dirname, "../..");
const service = path.join(import.meta.dirname, "fixtures/service-to-kill.ts");

describe("a runtime that is killed", () => {
  const started: ChildProcess[] = [];
  // Also where a test fails: jest waits for what it has started.
  afterEach(() => {
    for (const child of started) child.kill("SIGKILL");
  });

  it("G6: leaves no process of its run behind after 2 s, and spares a stranger", async () => {
    const stranger = spawn("sleep", ["60"], {
      env: { ...process.env, DSPEX_RUN_ID: "run-of-somebody-else" },
    });
    const child = spawn(process.execPath, ["--import", "tsx", "--conditions=@dspex/source", service], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    started.push(stranger, child);
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    // Three workers, the guardian, and the sleeper.
    expect(processesOfRun(line)).toHaveLength(5);

    const killedAt = performance.now();
    child.kill("SIGKILL");
    await eventually(() => processesOfRun(line)?.length === 0, 2_000);
    expect(performance.now() - killedAt).toBeLessThan(2_000);
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull();
  }, 30_000);
});
