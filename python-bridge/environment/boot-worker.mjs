import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { environmentError, setUpAgain } from "./errors.mjs";

const WORKER = fileURLToPath(new URL("../python/worker.py", import.meta.url));
const HELLO = 1;
const READY = 2;
const BOOT_TIMEOUT_MS = 30_000;

/**
 * Starts a worker as the runtime does, says HELLO, waits for READY and ends it. Resolves with the milliseconds from its
 * start to READY.
 *
 * The one HELLO is written here by hand, from docs/protocol.md: the codec is a package, and this has to work, and to
 * say what is wrong, where packages are missing.
 */
export function bootWorker({ python, directory }, { env = process.env } = {}) {
  const since = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(python, ["-I", WORKER], { env, stdio: ["pipe", "pipe", "pipe"] });
    const timer = setTimeout(() => child.kill("SIGKILL"), BOOT_TIMEOUT_MS);
    let [bytes, words, readyMs] = [Buffer.alloc(0), "", undefined];
    child.stdin.on("error", () => {}); // a worker that has ended; its words say why
    child.stdin.write(frame(HELLO, hello()));
    child.stderr.setEncoding("utf8").on("data", (text) => (words = (words + text).slice(-4_000)));
    child.stdout.on("data", (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (readyMs !== undefined || !kindsIn(bytes).includes(READY)) return;
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

function hello() {
  return {
    protocol: { min: 1, max: 1 },
    runId: "doctor",
    workerId: "doctor",
    maxFrameBytes: 65_536,
    threads: 1,
    maxInFlight: 1,
    monotonicMs: 0,
    paths: [],
    seams: {},
  };
}

function frame(kind, value) {
  const body = pack(value);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(body.length + 4);
  header.writeUInt8(1, 4);
  header.writeUInt8(kind, 5);
  return Buffer.concat([header, body]);
}

/** The MessagePack that a HELLO needs: short maps and arrays, texts below 32 bytes, whole numbers below 2^32. */
function pack(value) {
  if (typeof value === "string") return Buffer.concat([Buffer.of(0xa0 | value.length), Buffer.from(value)]);
  if (typeof value === "number") {
    const number = Buffer.of(0xce, 0, 0, 0, 0);
    number.writeUInt32BE(value, 1);
    return number;
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.of(0x90 | value.length), ...value.map(pack)]);
  const entries = Object.entries(value);
  return Buffer.concat([Buffer.of(0x80 | entries.length), ...entries.flat().map(pack)]);
}

function kindsIn(bytes) {
  const kinds = [];
  for (let at = 0; at + 8 <= bytes.length; at += 4 + bytes.readUInt32BE(at))
    kinds.push(bytes.readUInt8(at + 5));
  return kinds;
}
