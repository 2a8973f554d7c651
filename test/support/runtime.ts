import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { eventually } from "./eventually.ts";
import { startRuntime, type PoolOptions, type Runtime, type RuntimeOptions } from "dspex";

/** Where `functions.py` is. */
const fixtures = path.resolve(import.meta.dirname, "../integration/fixtures");

/** A runtime with one pool that finds the functions of the tests; all of its workers are ready, spares included. */
export async function startTestRuntime(
  pool: PoolOptions = {},
  options: Omit<RuntimeOptions, "pools"> = {},
): Promise<Runtime> {
  const { size = 2, spares = 0 } = pool;
  const workers = (typeof size === "number" ? size : size.min) + spares;
  const runtime = await startRuntime({ ...options, pools: { dspy: { size, paths: [fixtures], ...pool } } });
  await eventually(() => runtime.workers().length === workers);
  return runtime;
}

/** A path in a fresh directory, where nothing is yet. */
export function freshPath(name: string): string {
  return path.join(mkdtempSync(path.join(tmpdir(), "dspex-test-")), name);
}
