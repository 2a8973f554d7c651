import { existsSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { access, constants, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join, resolve } from "node:path";

import { environmentError, setUpAgain } from "./errors.mjs";
import { exclusively } from "./exclusive.mjs";
import { findPython, namedPython } from "./find-python.mjs";
import { createEmpty, installLock } from "./installers.mjs";
import { LOCK_FILE, readGroupLock, readLock, sha256 } from "./lock-files.mjs";
import { run } from "./run.mjs";

const STAMP = "dspex.json";
const IMPORTS = ["dspy", "msgspec"];
const VERIFY_TIMEOUT_MS = 60_000;

/** Where environments live: one directory for each lock file, Python version and platform. */
export function environmentsRoot(env = process.env) {
  const home = env.DSPEX_HOME || join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "dspex");
  return join(resolve(home), "env");
}

export function findEnvironment({ groups = [], python, lockFile = LOCK_FILE, env = process.env } = {}) {
  const lock = readLock(lockFile);
  const named = namedPython({ python, env });
  const found = stamped(environmentsRoot(env)).find(
    ({ directory, stamp }) =>
      stamp.lock === lock.hash &&
      stamp.platform === process.platform &&
      stamp.arch === process.arch &&
      (named === undefined || stamp.asked.includes(named)) &&
      baseUnchanged(directory, stamp),
  );
  if (found === undefined || missingGroups(found.directory, lockFile, groups).length > 0) return undefined;
  return environment(found.directory, found.stamp);
}

export async function ensureEnvironment({
  groups = [],
  python,
  lockFile = LOCK_FILE,
  imports = IMPORTS,
  env = process.env,
  signal,
  onProgress = () => {},
} = {}) {
  const wanted = groups.map((group) => [group, readGroupLock(lockFile, group)]);
  const ready = findEnvironment({ groups, python, lockFile, env });
  if (ready !== undefined) return ready;

  const lock = readLock(lockFile);
  const step = async (name, detail, action) => {
    onProgress({ step: name, state: "started", detail });
    const result = await action((line) => onProgress({ step: name, state: "running", detail: line }));
    onProgress({ step: name, state: "finished", detail: result.detail });
    return result;
  };

  const base = await step("python", "looking for Python", async () => {
    const found = await findPython({ python, env, signal });
    return { ...found, detail: `Python ${found.version} (${found.executable})` };
  });
  const key = sha256([lock.hash, base.version, process.platform, process.arch].join("\n")).slice(0, 16);
  const directory = join(environmentsRoot(env), key);
  const executable = pythonIn(directory);
  await writable(environmentsRoot(env));

  const install = (name, what) =>
    step(name, `installing ${basename(what.file)}`, async (onLine) => {
      const onFallback = (error) => onLine(`uv failed (${error.problem}), trying pip`);
      const by = await installLock(what, { python: executable, base, env, signal, onLine, onFallback });
      return { detail: `${basename(what.file)} installed by ${by}` };
    });

  const fill = async () => {
    // Whoever held the lock before may have done it all.
    let stamp = readStamp(directory);
    if (stamp === undefined || stamp.lock !== lock.hash || !baseUnchanged(directory, stamp)) {
      await step("environment", "making the environment", async () => {
        await rm(directory, { recursive: true, force: true });
        await createEmpty(base, directory, { env, signal });
        return { detail: directory };
      });
      await install("packages", lock);
      const { versions } = await step("verify", `importing ${imports.join(" and ")}`, async () => {
        const versions = await verifyEnvironment({ python: executable, directory }, { imports, env, signal });
        return {
          versions,
          detail: Object.entries(versions)
            .map((pair) => pair.join(" "))
            .join(", "),
        };
      });
      stamp = {
        lock: lock.hash,
        version: base.version,
        platform: process.platform,
        arch: process.arch,
        base: realpathSync(executable),
        asked: [],
        packages: versions,
      };
    }
    stamp = { ...stamp, asked: [...new Set([...stamp.asked, base.asked, base.executable])] };
    await writeStamp(directory, STAMP, stamp);
    for (const [group, groupLock] of wanted) {
      if (readStamp(directory, groupStamp(group))?.lock === groupLock.hash) continue;
      await install(`group ${group}`, groupLock);
      await writeStamp(directory, groupStamp(group), { lock: groupLock.hash });
    }
    return environment(directory, stamp);
  };

  let waiting = false;
  return exclusively(`${directory}.lock`, fill, {
    signal,
    onWait: (pid) => {
      if (!waiting)
        onProgress({
          step: "wait",
          state: "running",
          detail: `process ${pid} is setting up the same environment`,
        });
      waiting = true;
    },
  });
}

/**
 * Imports what the environment is for, in the environment, and returns the versions found; the real check, which
 * `findEnvironment` is too fast to make.
 */
export async function verifyEnvironment(
  { python, directory },
  { imports = IMPORTS, env = process.env, signal } = {},
) {
  const script = [
    `import ${["json", "importlib.metadata", ...imports].join(", ")}`,
    `print(json.dumps({name: importlib.metadata.version(name) for name in ${JSON.stringify(imports)}}))`,
  ].join("\n");
  const result = await run(python, ["-I", "-c", script], { env, signal, timeoutMs: VERIFY_TIMEOUT_MS });
  if (result.ok) return JSON.parse(result.stdout.trim().split("\n").at(-1));
  const reason = result.stderr.trim().split("\n").at(-1) || result.failure;
  throw environmentError("ERR_PYTHON_ENVIRONMENT_BROKEN", {
    problem: `${imports.join(" and ")} cannot be imported in ${directory}: ${reason}`,
    remedy: setUpAgain(directory),
    details: { directory, output: result.stderr.slice(-4_000) },
  });
}

/** Creates the directory of all environments if need be, and makes sure that it can be written. */
export async function writable(root) {
  try {
    await mkdir(root, { recursive: true });
    await access(root, constants.W_OK);
  } catch (cause) {
    throw environmentError("ERR_PYTHON_CACHE_UNWRITABLE", {
      problem: `The cache directory ${root} cannot be written (${cause.code}).`,
      remedy: "Make it writable, or name another: DSPEX_HOME=/path/to/directory.",
      details: { directory: root },
      cause,
    });
  }
}

function environment(directory, { version, packages }) {
  return { python: pythonIn(directory), key: directory.slice(-16), directory, version, packages };
}

function pythonIn(directory) {
  return join(directory, "bin", "python");
}

function stamped(root) {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .map((name) => ({ directory: join(root, name), stamp: readStamp(join(root, name)) }))
    .filter(({ stamp }) => stamp !== undefined);
}

function missingGroups(directory, lockFile, groups) {
  return groups.filter(
    (group) => readStamp(directory, groupStamp(group))?.lock !== readGroupLock(lockFile, group).hash,
  );
}

function groupStamp(group) {
  return `dspex-${group}.json`;
}

function readStamp(directory, name = STAMP) {
  try {
    return JSON.parse(readFileSync(join(directory, name), "utf8"));
  } catch {
    return undefined;
  }
}

async function writeStamp(directory, name, stamp) {
  const file = join(directory, name);
  await writeFile(`${file}.new`, JSON.stringify(stamp));
  await rename(`${file}.new`, file);
}

/** A system upgrade may put another Python behind the link that an environment was made of; it is then of no use. */
function baseUnchanged(directory, stamp) {
  try {
    return realpathSync(pythonIn(directory)) === stamp.base;
  } catch {
    return false;
  }
}
