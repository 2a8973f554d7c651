import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { expect, it } from "@jest/globals";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");

it("the facts of XState hold in the newest version 5 too", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "dspex-xstate-"));
  try {
    await run("npm", ["install", "--prefix", directory, "--no-save", "--no-audit", "--no-fund", "xstate@5"]);
    const newest = path.join(directory, "node_modules/xstate");
    const { version } = JSON.parse(await readFile(path.join(newest, "package.json"), "utf8")) as {
      version: string;
    };
    const report = path.join(directory, "report.json");
    const jest = [
      "--experimental-vm-modules",
      "--disable-warning=ExperimentalWarning",
      path.join(root, "node_modules/jest/bin/jest.js"),
      "test/supervisors/xstate-contract.test.ts",
      `--moduleNameMapper=${JSON.stringify({ "^xstate$": newest })}`,
      "--json",
      `--outputFile=${report}`,
    ];
    await run(process.execPath, jest, { cwd: root }).catch(() => {});
    const { testResults, numPassedTests } = JSON.parse(await readFile(report, "utf8")) as {
      numPassedTests: number;
      testResults: { assertionResults: { status: string; title: string }[] }[];
    };
    const failed = testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status !== "passed");
    expect({ version, failed: failed.map(({ title }) => title) }).toEqual({ version, failed: [] });
    expect(numPassedTests).toBeGreaterThan(15);
    console.log(`xstate ${version}: ${numPassedTests} facts hold`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 120_000);
