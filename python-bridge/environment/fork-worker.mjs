import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { helloFrame, onReady } from "./hello-frame.mjs";

const ZYGOTE = fileURLToPath(new URL("../python/zygote.py", import.meta.url));
const BOOT_TIMEOUT_MS = 30_000;

/**
 * Has a zygote fork a worker as the runtime does, says HELLO to that, waits for READY and ends both. Resolves with the milliseconds
 * from the request to READY, or with why there is no fork.
 */
export async function forkWorker({ python }, { env = process.env, platform = process.platform } = {}) {
  if (platform !== "linux") return { reason: `a fork is not safe on ${platform}` };
  const directory = mkdtempSync(join(tmpdir(), "dspex-"));
  const zygote = spawn(python, ["-I", ZYGOTE], { env, stdio: ["pipe", "pipe", "pipe"] });
  const timer = setTimeout(() => zygote.kill("SIGKILL"), BOOT_TIMEOUT_MS);
  let words = "";
  zygote.stdin.on("error", () => {}); // it has ended; its words say why
  zygote.stderr.setEncoding("utf8").on("data", (text) => (words = (words + text).slice(-4_000)));
  const ended = once(zygote, "close").then(([code, killedBy]) => {
    throw new Error(words.trim().split("\n").at(-1) || killedBy || `exit code ${code}`);
  });
  ended.catch(() => {}); // it is killed in the end, when nobody waits for it any more
  const lines = createInterface({ input: zygote.stdout })[Symbol.asyncIterator]();
  /** The word that the zygote is to say next. */
  const said = async (word) => {
    const { value, done } = await Promise.race([lines.next(), ended]);
    if (done) await ended;
    if (!value.startsWith(word)) throw new Error(value);
  };
  try {
    const socket = join(directory, "zygote");
    const token = randomBytes(16).toString("hex");
    zygote.stdin.write(`${JSON.stringify({ socket, token, paths: [], warmUp: [], seams: {} })}\n`);
    await said("ready");
    const since = performance.now();
    const [wire, stderr] = [connect(socket), connect(socket)];
    for (const stream of [wire, stderr]) stream.on("error", () => {});
    wire.write(`wire ${token} 1\n`);
    stderr.write(`stderr ${token} 1\n${JSON.stringify(env)}\n`);
    await said("forked");
    wire.write(helloFrame());
    await Promise.race([new Promise((resolve) => onReady(wire, resolve)), ended]);
    const readyMs = Math.round(performance.now() - since);
    for (const stream of [wire, stderr]) stream.destroy(); // the end of its input ends a worker
    return { readyMs };
  } catch (error) {
    return { reason: error.message };
  } finally {
    clearTimeout(timer);
    zygote.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
}
