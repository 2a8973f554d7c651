import { randomUUID } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 100;
const HEARTBEAT_MS = 2_000;
/** A holder whose process cannot be asked for (another host on a shared cache) is given up after this silence. */
const SILENT_MS = 60_000;

/**
 * Runs `action` while this process alone holds the directory `lock`. Waits for another holder; takes over from one that
 * has died.
 *
 * The lock comes into being, and goes, by a rename of a directory with its owner's name in it, so it is never seen
 * without one. A dead holder's lock is moved to a name made from its token: of two that take over at once, the second
 * finds that name in use and cannot move the first one's new lock away.
 */
export async function exclusively(lock, action, { signal, onWait = () => {} } = {}) {
  const token = randomUUID();
  const mine = `${lock}.${token}`;
  await mkdir(mine);
  try {
    await writeFile(join(mine, "owner.json"), JSON.stringify({ token, pid: process.pid, host: hostname() }));
    while (!(await taken(mine, lock))) {
      const owner = await readOwner(lock);
      if (owner !== undefined && (hasDied(owner) || owner.silentMs > SILENT_MS))
        await retire(lock, owner.token);
      else {
        if (owner !== undefined) onWait(owner.pid);
        await sleep(POLL_MS, undefined, { signal });
      }
    }
  } catch (error) {
    await rm(mine, { recursive: true, force: true });
    throw error;
  }

  const heartbeat = setInterval(() => touch(lock).catch(() => {}), HEARTBEAT_MS);
  try {
    return await action();
  } finally {
    clearInterval(heartbeat);
    if ((await readOwner(lock))?.token === token) await retire(lock, token);
    await sweep(lock, token);
  }
}

async function touch(directory) {
  const now = new Date();
  await utimes(directory, now, now);
}

async function taken(mine, lock) {
  try {
    await touch(mine); // its age becomes the silence of the holder
    await rename(mine, lock);
    return true;
  } catch (error) {
    if (error.code === "ENOTEMPTY" || error.code === "EEXIST") return false;
    throw error;
  }
}

/** Moves the lock of `token` out of the way; nothing happens when somebody else has just done it. */
async function retire(lock, token) {
  await rename(lock, `${lock}.${token}`).catch(() => {});
}

async function readOwner(directory) {
  try {
    const owner = JSON.parse(await readFile(join(directory, "owner.json"), "utf8"));
    return { ...owner, silentMs: Date.now() - (await stat(directory)).mtimeMs };
  } catch {
    return undefined; // released in this very moment
  }
}

function hasDied({ pid, host }) {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

/** Removes what the holder of `token` and dead ones have left beside the lock; those who wait keep theirs. */
async function sweep(lock, token) {
  const prefix = `${basename(lock)}.`;
  for (const name of await readdir(dirname(lock))) {
    if (!name.startsWith(prefix)) continue;
    const directory = join(dirname(lock), name);
    const owner = await readOwner(directory);
    if (owner !== undefined && (owner.token === token || hasDied(owner))) {
      await rm(directory, { recursive: true, force: true });
    }
  }
}
