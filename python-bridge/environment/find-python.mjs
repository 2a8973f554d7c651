import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

import { environmentError } from "./errors.mjs";
import { run } from "./run.mjs";

/** DSPy 3.4's own range, less Python 3.10, which has reached its end of life. Minor versions of Python 3. */
const MINIMUM = 11;
const BELOW = 16;
const SUPPORTED = `Python ≥3.${MINIMUM},<3.${BELOW}`;

const PROBE_TIMEOUT_MS = 10_000;
const NAMES = ["python3", "python", "python3.13", "python3.12", "python3.11", "python3.14", "python3.15"];

// Runs on any Python since 2.7, so that an old one is refused by its version. The working directory leaves `sys.path`
// first: a file json.py there must not be run. pip ≥22.3 can work on another environment than its own (`--python`).
const PROBE = `
import sys
sys.path[:1] = []
import json
try:
    import ensurepip, venv
    has_venv = True
except ImportError:
    has_venv = False
try:
    import pip
    lends_pip = [int(part) for part in pip.__version__.split(".")[:2]] >= [22, 3]
except Exception:
    lends_pip = False
version = "%d.%d.%d" % sys.version_info[:3]
print(json.dumps({"executable": sys.executable, "version": version, "hasVenv": has_venv, "lendsPip": lends_pip}))
`;

/**
 * Finds a Python that can carry the environment, by running each candidate: shims and stubs on the PATH often exist and
 * do not work. A Python that was named (option or DSPEX_PYTHON) is the only candidate: using another would surprise.
 */
export async function findPython({ python, env = process.env, signal } = {}) {
  const uv = (await run("uv", ["--version"], { env, signal, timeoutMs: PROBE_TIMEOUT_MS })).ok;
  const attempts = [];
  for await (const candidate of candidates({ python, env, uv, signal })) {
    const { lendsPip, ...probed } = await probe(candidate.command, { env, uv, signal });
    const attempt = { ...candidate, ...probed };
    attempts.push(attempt);
    const { executable, version, command, refused } = attempt;
    if (refused === undefined) return { executable, version, asked: command, uv, lendsPip, attempts };
  }
  throw notFound(attempts);
}

/** The Python that was named, by option or environment, as it is recorded and compared. */
export function namedPython({ python, env = process.env } = {}) {
  const name = python || env.DSPEX_PYTHON || undefined;
  return name?.includes("/") ? resolve(name) : name;
}

async function* candidates({ python, env, uv, signal }) {
  const named = namedPython({ python, env });
  if (named !== undefined) {
    yield { command: named, source: python ? "--python" : "DSPEX_PYTHON" };
    return;
  }
  if (env.VIRTUAL_ENV) yield { command: join(env.VIRTUAL_ENV, "bin", "python"), source: "VIRTUAL_ENV" };
  for (const command of NAMES) yield { command, source: "PATH" };
  if (!uv) return;
  const found = await run("uv", ["python", "find", `>=3.${MINIMUM},<3.${BELOW}`], {
    env,
    signal,
    timeoutMs: PROBE_TIMEOUT_MS,
  });
  if (found.ok) yield { command: found.stdout.trim(), source: "uv python find" };
}

async function probe(command, { env, uv, signal }) {
  const result = await run(command, ["-E", "-s", "-c", PROBE], { env, signal, timeoutMs: PROBE_TIMEOUT_MS });
  if (!result.ok) return { refused: firstLine(result.stderr) ?? result.failure };
  let found;
  try {
    found = JSON.parse(result.stdout);
  } catch {
    return { refused: `answered ${JSON.stringify(result.stdout.slice(0, 80))}, not as Python does` };
  }
  const { executable, version, hasVenv, lendsPip } = found;
  const [major, minor] = version.split(".").map(Number);
  const refuse = (refused) => ({ executable, version, refused });
  if (major !== 3 || minor < MINIMUM || minor >= BELOW) return refuse(`is Python ${version}`);
  // uv makes environments without the help of the Python it makes them for.
  if (!hasVenv && !uv) return { ...refuse(`is Python ${version} without venv`), lacksVenv: true };
  return { executable, version, lendsPip };
}

function notFound(attempts) {
  const bare = attempts.find(({ lacksVenv }) => lacksVenv);
  if (bare !== undefined)
    return venvMissing(bare, { log: describeAttempts(attempts), details: { attempts } });
  const named = attempts.find(({ source }) => source === "DSPEX_PYTHON" || source === "--python");
  if (named !== undefined) {
    return environmentError("ERR_PYTHON_NOT_FOUND", {
      problem: `${named.source} names ${named.command}, which cannot be used: ${named.refused}.`,
      remedy: `Name a ${SUPPORTED}, or leave it out to have one found.`,
      details: { attempts },
    });
  }
  return environmentError("ERR_PYTHON_NOT_FOUND", {
    problem: `No ${SUPPORTED} was found.`,
    remedy: `Install one (${installHint()}), or name it: DSPEX_PYTHON=/path/to/python.`,
    log: describeAttempts(attempts),
    details: { attempts },
  });
}

/** The error for a Python that cannot make environments: Debian packs `venv` and `ensurepip` apart. */
export function venvMissing({ executable, version }, more) {
  const minor = version.split(".").slice(0, 2).join(".");
  return environmentError("ERR_PYTHON_VENV_MISSING", {
    problem: `Python ${version} (${executable}) lacks the venv and ensurepip modules.`,
    remedy: existsSync("/etc/debian_version")
      ? `Install them: apt install python${minor}-venv (or install uv).`
      : `Install the venv module of that Python, install uv, or name another: DSPEX_PYTHON=/path/to/python.`,
    ...more,
  });
}

function installHint() {
  if (process.platform === "darwin") return "brew install python@3.13";
  return existsSync("/etc/debian_version")
    ? "apt install python3 python3-venv"
    : "with your package manager, or uv python install";
}

/** The attempt log, one line for each candidate. */
export function describeAttempts(attempts) {
  return attempts.map(({ command, source, refused, version, executable }) => {
    const verdict = refused ?? `Python ${version} (${executable})`;
    return `${source === "PATH" ? command : `${source}: ${command}`}: ${verdict}`;
  });
}

function firstLine(text) {
  return text
    .split("\n")
    .map((line) => line.trim())
    .find((line) => line !== "");
}
