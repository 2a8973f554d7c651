import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { environmentError, setUpAgain } from "./errors.mjs";
import { helloFrame, onReady } from "./hello-frame.mjs";

const WORKER = fileURLToPath(new URL("../python/worker.py", import.meta.url));
const BOOT_TIMEOUT_MS = 30_000;

/**
 * Starts a worker as the runtime does, says HELLO, waits for READY and ends it. Resolves with the milliseconds from its
 * start to READY.
 */
export function bootWorker({ python, directory }, { env = process.env } = {}) {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(python, ["-I", WORKER], { env, stdio: ["pipe", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), BOOT_TIMEOUT_MS);
    let [words, readyMs] = ["", undefined];
    child.stdin.on("error", () => {}); // a worker that has ended; its words say why
    child.stdin.write(helloFrame());
    child.stderr.setEncoding("utf8").on("data", (text) => (words = (words + text).slice(-4_000)));
    onReady(child.stdout, () => {
      readyMs = Math.round(performance.now() - since);
      child.stdin.end(); // the end of its input ends a worker
    });
    child.once("error", (error) => (words = error.message));
    child.once("close", (code, killedBy) => {
      clearTimeout(timer);
      if (readyMs !== undefined) resolve(readyMs);
      else reject(noReady(directory, words.trim().split("\n").at(-1) || killedBy || `exit code ${code}`));
    });
  });
}

function noReady(directory, reason) {
  return environmentError("ERR_PYTHON_WORKER_BOOT", {
    problem: `A worker ended before it was ready: ${reason}`,
    remedy: setUpAgain(directory),
    details: { reason },
  });
}
