import { rm } from "node:fs/promises";
import { basename, join } from "node:path";

import { exclusively } from "./exclusive.mjs";
import { findPython, namedPython } from "./find-python.mjs";
import { createEmpty, installLock } from "./installers.mjs";
import { LOCK_FILE, readGroupLock, readLock, sha256 } from "./lock-files.mjs";
import * as stamps from "./stamps.mjs";
import { IMPORTS, verifyEnvironment } from "./verify.mjs";

export function findEnvironment({ groups = [], python, lockFile = LOCK_FILE, env = process.env } = {}) {
  const lock = readLock(lockFile);
  const groupLocks = groups.map((group) => [group, readGroupLock(lockFile, group)]);
  const named = namedPython({ python, env });
  const found = stamps
    .finishedEnvironments(stamps.environmentsRoot(env))
    .find(
      ({ directory, stamp }) =>
        stamp.lock === lock.hash &&
        stamp.platform === process.platform &&
        stamp.arch === process.arch &&
        (named === undefined || stamp.asked.includes(named)) &&
        groupLocks.every(([group, groupLock]) => stamps.hasGroup(directory, group, groupLock)),
    );
  return found && environment(found.directory, found.stamp);
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
  const ready = findEnvironment({ groups, python, lockFile, env });
  if (ready !== undefined) return ready;

  const report = (step, state, detail) => onProgress({ step, state, detail });
  report("python", "started", "looking for Python");
  const base = await findPython({ python, env, signal });
  report("python", "finished", `Python ${base.version} (${base.executable})`);

  const lock = readLock(lockFile);
  const root = stamps.environmentsRoot(env);
  const key = sha256([lock.hash, base.version, process.platform, process.arch].join("\n")).slice(0, 16);
  const work = { base, directory: join(root, key), imports, env, signal, report };
  await stamps.writable(root);

  let waitedFor;
  const onWait = (pid) => {
    if (waitedFor === undefined)
      report("wait", "started", `process ${pid} is setting up the same environment`);
    waitedFor = pid;
  };
  return exclusively(
    `${work.directory}.lock`,
    async () => {
      if (waitedFor !== undefined) report("wait", "finished", `process ${waitedFor} is done`);
      // Whoever held the lock before may have made it; what is there without a stamp was interrupted.
      const made = stamps.readStamp(work.directory) ?? (await make(lock, work));
      const stamp = { ...made, asked: [...new Set([...made.asked, base.asked, base.executable])] };
      await stamps.writeStamp(work.directory, stamp);
      for (const group of groups) await addGroup(group, readGroupLock(lockFile, group), work);
      return environment(work.directory, stamp);
    },
    { signal, onWait },
  );
}

async function make(lock, work) {
  const { base, directory, imports, env, signal, report } = work;
  report("environment", "started", "making the environment");
  await rm(directory, { recursive: true, force: true });
  await createEmpty(base, directory, { env, signal });
  report("environment", "finished", directory);

  await install("packages", lock, work);

  report("verify", "started", `importing ${imports.join(" and ")}`);
  const place = { python: stamps.pythonIn(directory), directory };
  const packages = await verifyEnvironment(place, { imports, env, signal });
  const versions = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  report("verify", "finished", versions.join(", "));
  const { platform, arch } = process;
  return { lock: lock.hash, version: base.version, platform, arch, packages, asked: [] };
}

async function addGroup(group, lock, work) {
  if (stamps.hasGroup(work.directory, group, lock)) return;
  await install(`group ${group}`, lock, work);
  await stamps.writeGroupStamp(work.directory, group, lock);
}

async function install(step, lock, { base, directory, env, signal, report }) {
  const file = basename(lock.file);
  report(step, "started", `installing ${file}`);
  const onLine = (line) => report(step, "running", line);
  const onFallback = (error) => onLine(`uv failed (${error.problem}), trying pip`);
  const python = stamps.pythonIn(directory);
  const installer = await installLock(lock, { python, base, env, signal, onLine, onFallback });
  report(step, "finished", `${file} installed by ${installer}`);
}

function environment(directory, { version, packages }) {
  return { python: stamps.pythonIn(directory), key: basename(directory), directory, version, packages };
}
