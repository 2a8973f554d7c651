import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { environmentError } from "./errors.mjs";

/** The lock file of the default environment; that of a group lies beside it: `requirements-<group>.lock`. */
export const LOCK_FILE = fileURLToPath(new URL("../requirements.lock", import.meta.url));

export function readLock(file) {
  return { file, hash: sha256(readFileSync(file, "utf8")) };
}

export function readGroupLock(lockFile, group) {
  const groups = groupsBeside(lockFile);
  if (groups.includes(group)) return readLock(join(dirname(lockFile), groupFile(lockFile, group)));
  throw environmentError("ERR_PYTHON_GROUP_UNKNOWN", {
    problem: `There is no group "${group}".`,
    remedy: groups.length === 0 ? "Leave it out: there are no groups." : `Name one of: ${groups.join(", ")}.`,
    details: { group, groups },
  });
}

function groupsBeside(lockFile) {
  const [before, after] = groupFile(lockFile, "\0").split("\0");
  return readdirSync(dirname(lockFile))
    .filter(
      (name) => name.startsWith(before) && name.endsWith(after) && name.length > before.length + after.length,
    )
    .map((name) => name.slice(before.length, -after.length));
}

export function sha256(text) {
  return createHash("sha256").update(text).digest("hex");
}

function groupFile(lockFile, group) {
  return basename(lockFile).replace(/\.lock$/, `-${group}.lock`);
}
