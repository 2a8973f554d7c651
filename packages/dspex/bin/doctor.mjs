import { existsSync } from "node:fs";
import { join } from "node:path";
import { styleText } from "node:util";

import { nodeModulesAreCurrent } from "./node-modules.mjs";
import { nodeProblem } from "./node-version.mjs";
import { platformProblem } from "./platform.mjs";
import { ROOT } from "./prepare.mjs";
import { staleWorkers } from "./stale-workers.mjs";

/**
 * Takes the steps of the set-up as checks. Each has a `status`: `ok`, `warning` (it works, and deserves a look) or
 * `failed`; a `detail`; what to do as `remedy`; and a `log` of what was tried.
 */
export async function examine() {
  const checks = [];
  const check = async (group, name, action) => {
    const verdict = await outcome(action);
    checks.push({ group, name, ...verdict });
    return verdict.status !== "failed";
  };

  const supported = await check("System", "platform", () => {
    const problem = platformProblem();
    if (problem !== undefined) throw problem;
    return { detail: `${process.platform} ${process.arch}` };
  });
  if (!supported) return checks;
  await check("Node", "version", () => {
    const problem = nodeProblem();
    if (problem !== undefined) throw problem;
    return { detail: process.versions.node };
  });
  // In an application the modules are the business of its package manager.
  const inClone = existsSync(join(ROOT, "package-lock.json"));
  if (inClone && !(await check("Node", "modules", checkModules))) return checks;

  const bridge = await import("@dspex/python-bridge/environment");
  await check("Python", "interpreter", async () => {
    const { attempts, executable, version } = await bridge.findPython();
    return { detail: `${version} (${executable})`, log: bridge.describeAttempts(attempts) };
  });
  let environment;
  const found = await check("Python", "environment", () => {
    environment = bridge.findEnvironment();
    if (environment !== undefined) return { detail: environment.directory };
    throw { problem: "not set up for this lock file", remedy: "npx dspex setup" };
  });
  if (found) {
    const imports = await check("Python", "DSPy", async () => {
      const versions = await bridge.verifyEnvironment(environment);
      return { detail: Object.entries(versions).flat().join(" ") };
    });
    if (imports) {
      await check("Python", "worker", async () => ({
        detail: `ready in ${await bridge.bootWorker(environment)} ms when spawned`,
      }));
      await check("Python", "zygote", async () => {
        const { readyMs, reason } = await bridge.forkWorker(environment);
        if (reason === undefined) return { detail: `workers are forked, ready in ${readyMs} ms` };
        // Where a fork is not safe, nothing is wrong.
        const status = process.platform === "linux" ? "warning" : "ok";
        return { status, detail: `workers are spawned: ${reason}` };
      });
    }
  }

  await check("Machine", "cache", async () => {
    const root = bridge.environmentsRoot();
    await bridge.writable(root);
    return { detail: `${root} can be written` };
  });
  await check("Machine", "stale workers", () => {
    const pids = staleWorkers();
    if (pids.length === 0) return { detail: "none" };
    return {
      status: "warning",
      detail: `left by a runtime that is gone: ${pids.join(" ")}`,
      remedy: `kill ${pids.join(" ")}`,
    };
  });
  return checks;
}

async function outcome(action) {
  try {
    return { status: "ok", ...(await action()) };
  } catch (error) {
    if (error.problem === undefined) throw error;
    const { problem, remedy, log } = error;
    return { status: "failed", detail: problem, remedy, log };
  }
}

function checkModules() {
  if (nodeModulesAreCurrent(ROOT)) return { detail: "as package-lock.json says" };
  if (!existsSync(join(ROOT, "node_modules/@dspex/python-bridge"))) {
    throw { problem: "not installed", remedy: "npm install" };
  }
  return {
    status: "warning",
    detail: "not installed by us since package-lock.json changed",
    remedy: "npm run demo",
  };
}

const MARKS = { ok: ["✓", "green"], warning: ["!", "yellow"], failed: ["✗", "red"] };

/** The checks as text, by group; the log of a check that is well is left out. */
export function formatChecks(checks, { color }) {
  const lines = [];
  for (const [index, { group, name, status, detail, remedy, log }] of checks.entries()) {
    if (checks[index - 1]?.group !== group) lines.push(group);
    const [mark, style] = MARKS[status];
    lines.push(`  ${color ? styleText(style, mark) : mark} ${name}: ${detail}`);
    if (status === "ok") continue;
    for (const line of log ?? []) lines.push(`      ${line}`);
    if (remedy !== undefined) lines.push(`    → ${remedy}`);
  }
  return `${lines.join("\n")}\n`;
}
