import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm } from "node:fs/promises";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { ensureEnvironment, environmentsRoot } from "@dspex/python-bridge/environment";

/** Where the Python programs of the peers stand. */
export const pythonPrograms = path.join(import.meta.dirname, "python");

/** The interpreter that the peers run on, installed from their lock file into the user's cache. */
export async function peerPython(): Promise<string> {
  const { python } = await ensureEnvironment({
    lockFile: path.join(pythonPrograms, "requirements.lock"),
    imports: ["aiohttp", "dspy", "fastapi", "msgspec", "uvicorn"],
    onProgress: ({ step, detail, state }) =>
      state === "finished" && console.error(`peers: ${step} ${detail}`),
  });
  return python;
}

/** Loads a Node package of a peer, installed from their lock file into the user's cache; no script of a package runs. */
export async function peerPackage(name: string): Promise<unknown> {
  const locked = path.join(import.meta.dirname, "node");
  const lock = await readFile(path.join(locked, "package-lock.json"));
  const hash = createHash("sha256").update(lock).update(process.version).digest("hex").slice(0, 16);
  const directory = path.join(environmentsRoot(), "../bench", hash);
  if (!existsSync(directory)) {
    const making = `${directory}.${process.pid}`;
    await mkdir(making, { recursive: true });
    await cp(locked, making, { recursive: true });
    await promisify(execFile)("npm", ["ci", "--ignore-scripts"], { cwd: making });
    // Whoever comes second has made the same.
    await rename(making, directory).catch(() => rm(making, { recursive: true }));
    console.error(`peers: packages ${directory}`);
  }
  return createRequire(path.join(directory, "package.json"))(name);
}
