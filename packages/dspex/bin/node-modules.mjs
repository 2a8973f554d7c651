import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const STAMP = "node_modules/.dspex-stamp";

/** Do the installed modules of the workspace in `root` match its lock file and manifests? */
export function nodeModulesAreCurrent(root) {
  // npm writes this file last: a first install that was interrupted is without one.
  if (!existsSync(join(root, "node_modules/.package-lock.json"))) return false;
  const stamp = join(root, STAMP);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint(root);
}

/**
 * Installs what the lock file of `root` names. It is `npm install` and never `npm ci`: npm ≥11.16 refuses a lock file
 * whose optional packages for other platforms its registry did not have. `npm install` may then write the lock file
 * anew, so it is put back as it was, byte for byte, whatever became of the install.
 */
export async function installNodeModules(root, { signal, onLine = () => {} } = {}) {
  const lockFile = join(root, "package-lock.json");
  const locked = readFileSync(lockFile);
  try {
    await npmInstall(root, { signal, onLine });
  } finally {
    if (!existsSync(lockFile) || !readFileSync(lockFile).equals(locked)) writeFileSync(lockFile, locked);
  }
  writeFileSync(join(root, STAMP), fingerprint(root));
}

function npmInstall(root, { signal, onLine }) {
  // Under `npm run` the same npm is used again; `--include=dev`, because NODE_ENV=production would leave tools out.
  const { npm_execpath: npm } = process.env;
  const [command, ...before] = npm?.endsWith("npm-cli.js") ? [process.execPath, npm] : ["npm"];
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...before, "install", "--include=dev"], {
      cwd: root,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output = (output + text).slice(-16_384);
        const line = text.trim().split("\n").at(-1);
        if (line) onLine(line);
      });
    }
    // The whole process group: npm has children of its own.
    const abort = () => {
      try {
        process.kill(-child.pid, "SIGTERM");
      } catch {
        // Not started, or ended in this very moment.
      }
    };
    signal?.addEventListener("abort", abort, { once: true });
    let failure;
    child.once("error", (error) => (failure = error.message));
    // Also after an abort: npm may still write the lock file until it is gone.
    child.once("close", (code) => {
      signal?.removeEventListener("abort", abort);
      if (signal?.aborted) reject(signal.reason);
      else if (code === 0) resolve();
      else reject(installProblem(output, failure ?? `exit code ${code}`));
    });
  });
}

function installProblem(output, how) {
  const lines = output.split("\n").filter((line) => /^npm (error|ERR!)/.test(line));
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/.test(output);
  return Object.assign(new Error(`npm install failed (${how}).`), {
    code: offline ? "ERR_NPM_OFFLINE" : "ERR_NPM_INSTALL_FAILED",
    problem: offline ? "The npm registry cannot be reached." : `npm install failed (${how}).`,
    remedy: offline
      ? "Check the network and the registry and proxy in your npm settings, then run it again."
      : "Run `npm install` to see all of its words, then run it again.",
    log: lines.slice(0, 12),
  });
}

function fingerprint(root) {
  const hash = createHash("sha256");
  for (const file of ["package-lock.json", ...manifests(root)]) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/** The manifests of the root and of its workspaces, whose patterns are plain paths or end in one star. */
function manifests(root) {
  const { workspaces } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const rooms = workspaces.flatMap((pattern) => {
    if (!pattern.endsWith("/*")) return [pattern];
    const parent = pattern.slice(0, -2);
    return readdirSync(join(root, parent))
      .sort()
      .map((name) => `${parent}/${name}`);
  });
  return [
    "package.json",
    ...rooms.map((room) => `${room}/package.json`).filter((file) => existsSync(join(root, file))),
  ];
}
