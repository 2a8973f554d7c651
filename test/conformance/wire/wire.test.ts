import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { kinds, workerCommand } from "@dspex/python-bridge";
import { findEnvironment } from "@dspex/python-bridge/environment";

interface Report {
  readonly held: readonly string[];
  readonly failed: readonly string[];
  /** The names of the frames that came and went. */
  readonly frames: readonly string[];
}

describe("a host written from docs/protocol.md alone", () => {
  it("shares no code with the bridge", () => {
    const sources = readdirSync(import.meta.dirname).filter((file) => file.endsWith(".py"));
    expect(sources.length).toBeGreaterThan(3);
    for (const file of sources)
      expect(readFileSync(path.join(import.meta.dirname, file), "utf8")).not.toMatch(
        /dspex|msgspec|msgpackr/,
      );
  });

  it("talks to the real worker through every kind of frame, in both codecs", async () => {
    const { python } = findEnvironment()!;
    const { file, args } = workerCommand(python);
    const scenarios = path.join(import.meta.dirname, "scenarios.py");
    const { stdout } = await promisify(execFile)(python, [scenarios, file, ...args]);
    const report = JSON.parse(stdout) as Report;
    expect(report.failed).toEqual([]);
    expect(report.held.length).toBeGreaterThan(25);
    expect(report.frames).toEqual(
      Object.keys(kinds)
        .map((name) => name.toUpperCase())
        .sort(),
    );
  }, 120_000);
});
