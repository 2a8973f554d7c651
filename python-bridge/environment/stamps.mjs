import { readFileSync, readdirSync, realpathSync } from "node:fs";
import { access, constants, mkdir, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { environmentError } from "./errors.mjs";

/** Where environments live: one directory for each lock file, Python version and platform. */
export function environmentsRoot(env = process.env) {
  return join(cacheOf(env), "env");
}

/** Where each run has a file as long as it lives, so that what outlives it can be found. */
export function runsRoot(env = process.env) {
  return join(cacheOf(env), "runs");
}

function cacheOf(env) {
  return resolve(
    env.DSPEX_HOME || join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "dspex"),
  );
}

/** Makes the directory of all environments if need be, and makes sure that it can be written. */
export async function writable(directory) {
  try {
    await mkdir(directory, { recursive: true });
    await access(directory, constants.W_OK);
  } catch (cause) {
    throw environmentError("ERR_PYTHON_CACHE_UNWRITABLE", {
      problem: `The cache directory ${directory} cannot be written (${cause.code}).`,
      remedy: "Make it writable, or name another: DSPEX_HOME=/path/to/directory.",
      details: { directory },
      cause,
    });
  }
}

export function pythonIn(directory) {
  return join(directory, "bin", "python");
}

/** The environments that were finished and can still be used, each with its stamp. */
export function finishedEnvironments(root) {
  return namesIn(root)
    .map((name) => ({ directory: join(root, name), stamp: readStamp(join(root, name)) }))
    .filter(({ stamp }) => stamp !== undefined);
}

/**
 * The stamp of an environment, which is written last: without one it is unfinished. Nor is there one, so to say, when
 * a system upgrade has put another Python behind the link that the environment was made of.
 */
export function readStamp(directory) {
  try {
    const stamp = readJson(join(directory, "dspex.json"));
    return realpathSync(pythonIn(directory)) === stamp.base ? stamp : undefined;
  } catch {
    return undefined;
  }
}

export function writeStamp(directory, stamp) {
  const base = realpathSync(pythonIn(directory));
  return writeJson(join(directory, "dspex.json"), { ...stamp, base });
}

/** Does the environment hold the group as this lock file has it? */
export function hasGroup(directory, group, lock) {
  try {
    return readJson(groupFile(directory, group)).lock === lock.hash;
  } catch {
    return false;
  }
}

export function writeGroupStamp(directory, group, lock) {
  return writeJson(groupFile(directory, group), { lock: lock.hash });
}

function groupFile(directory, group) {
  return join(directory, `dspex-${group}.json`);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

async function writeJson(file, value) {
  await writeFile(`${file}.new`, JSON.stringify(value));
  await rename(`${file}.new`, file);
}

function namesIn(directory) {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
