import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Runs jest and, unless `args` ask jest for something particular, pytest; prints their sum as the last line of stdout,
 * `N passed, N failed`. Returns the exit code: 0 only if tests ran and none failed.
 */
export async function runTests({ root, python, args }) {
  const directory = await mkdtemp(join(tmpdir(), "dspex-test-"));
  try {
    const totals = [await runJest({ root, args, report: join(directory, "jest.json") })];
    if (args.length === 0)
      totals.push(await runPytest({ root, python, report: join(directory, "pytest.xml") }));
    const { passed, failed, skipped } = totals.reduce(add);
    process.stdout.write(
      `\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`,
    );
    return failed === 0 && passed > 0 && totals.every(({ ok }) => ok) ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function runJest({ root, args, report }) {
  const flags = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
  const jest = join(root, "node_modules/jest/bin/jest.js");
  // What takes the newest version of something, and minutes, stands in files of its own.
  const deep = Number(process.env.DSPEX_TEST_SCALE ?? 1) > 1 ? ["--testMatch", "**/*.{test,deep}.ts"] : [];
  const ok = await succeeds(
    process.execPath,
    [...flags, jest, ...args, ...deep, "--json", `--outputFile=${report}`],
    root,
  );
  return { ok, ...jestTotals(existsSync(report) ? readFileSync(report, "utf8") : undefined) };
}

async function runPytest({ root, python, report }) {
  const workers = ["--numprocesses", "2"]; // as many as jest has
  const ok = await succeeds(
    python,
    ["-m", "pytest", "python-bridge", ...workers, `--junitxml=${report}`],
    root,
  );
  return { ok, ...pytestTotals(existsSync(report) ? readFileSync(report, "utf8") : undefined) };
}

/** A file that could not be loaded holds no tests for jest; here it counts as one that failed. */
export function jestTotals(report) {
  if (report === undefined) return NOTHING;
  const totals = JSON.parse(report);
  return {
    passed: totals.numPassedTests,
    failed: totals.numFailedTests + totals.numRuntimeErrorTestSuites,
    skipped: totals.numPendingTests + totals.numTodoTests,
  };
}

/** Reads the totals of a JUnit report, where `tests` counts all of them. */
export function pytestTotals(report) {
  const suite = report?.match(/<testsuite [^>]*>/)?.[0];
  if (suite === undefined) return NOTHING;
  const count = (name) => Number(suite.match(new RegExp(` ${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  return { passed: count("tests") - failed - skipped, failed, skipped };
}

const NOTHING = { passed: 0, failed: 0, skipped: 0 };

function add(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** Its output is this process's own. A signal to this process reaches it too, and the exit waits for it. */
function succeeds(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: "inherit" });
    const pass = (signal) => child.kill(signal);
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, pass);
    child.once("error", reject);
    child.once("close", (code) => {
      for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, pass);
      resolve(code === 0);
    });
  });
}
