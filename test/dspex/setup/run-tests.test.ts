import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

import { callBin } from "./in-node.ts";

describe("npm test", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "dspex-tests-"));
    await mkdir(join(root, "node_modules/jest/bin"), { recursive: true });
    await writeFile(join(root, "package.json"), `{ "type": "commonjs" }`);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  interface Suite {
    readonly status: number;
    /** What it writes as its report; nothing when it is left out. */
    readonly report?: string;
  }

  /** Runs both suites, each played by a script that writes a report and ends with a status. */
  const run = async (jest: Suite, pytest: Suite, args: readonly string[] = []) => {
    const report = (suite: Suite, file: string) =>
      suite.report === undefined
        ? ""
        : `require("fs").writeFileSync(${file}, ${JSON.stringify(suite.report)});`;
    const option = (name: string) =>
      `process.argv.find((a) => a.startsWith("${name}=")).slice(${name.length + 1})`;
    await writeFile(
      join(root, "node_modules/jest/bin/jest.js"),
      `${report(jest, option("--outputFile"))} process.exitCode = ${jest.status};`,
    );
    const python = join(root, "python");
    await writeFile(
      python,
      `#!${process.execPath}\n${report(pytest, option("--junitxml"))} process.exitCode = ${pytest.status};`,
      { mode: 0o755 },
    );
    const { stdout, returned } = await callBin<number>("run-tests.mjs", "runTests", [{ root, python, args }]);
    return { last: stdout.trim().split("\n").at(-1), exitCode: returned };
  };
  const jestReport = (passed: number, failed: number, other = {}): string =>
    JSON.stringify({
      numPassedTests: passed,
      numFailedTests: failed,
      numRuntimeErrorTestSuites: 0,
      numPendingTests: 0,
      numTodoTests: 0,
      ...other,
    });
  const junit = (attributes: string): string =>
    `<?xml version="1.0"?><testsuites name="t"><testsuite name="pytest" ${attributes}><testcase/></testsuite></testsuites>`;
  const passing: Suite = { status: 0, report: junit(`errors="0" failures="0" skipped="0" tests="3"`) };

  it("ends with the sum of jest and pytest", async () => {
    expect(await run({ status: 0, report: jestReport(4, 0) }, passing)).toEqual({
      last: "7 passed, 0 failed",
      exitCode: 0,
    });
  });

  it("fails when either of them does, and counts errors and files that could not be loaded", async () => {
    const broken = {
      status: 1,
      report: jestReport(4, 1, { numRuntimeErrorTestSuites: 1, numPendingTests: 2 }),
    };
    expect(await run(broken, passing)).toEqual({ last: "7 passed, 2 failed, 2 skipped", exitCode: 1 });
    const failing = { status: 1, report: junit(`errors="1" failures="1" skipped="0" tests="3"`) };
    expect(await run({ status: 0, report: jestReport(4, 0) }, failing)).toEqual({
      last: "5 passed, 2 failed",
      exitCode: 1,
    });
  });

  it("fails when one of them ran no test or left no report", async () => {
    expect(await run({ status: 1 }, passing)).toEqual({ last: "3 passed, 0 failed", exitCode: 1 });
    expect(await run({ status: 0, report: jestReport(4, 0) }, { status: 5 })).toEqual({
      last: "4 passed, 0 failed",
      exitCode: 1,
    });
  });

  it("leaves pytest out when its arguments ask jest for something particular", async () => {
    expect(await run({ status: 0, report: jestReport(2, 0) }, { status: 1 }, ["test/core"])).toEqual({
      last: "2 passed, 0 failed",
      exitCode: 0,
    });
  });
});
