import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startRuntime, type PoolOptions, type Runtime, type RuntimeOptions } from "dspex";

/** Where `functions.py` is. */
export const fixtures = path.resolve(import.meta.dirname, "../integration/fixtures");

/** A runtime with one pool that finds the functions of the tests. */
export function startTestRuntime(pool: PoolOptions = {}, options: Omit<RuntimeOptions, "pools"> = {}): Promise<Runtime> {
  return startRuntime({ ...options, pools: { dspy: { size: 2, paths: [fixtures], ...pool } } });
}

/** A path in a fresh directory, where nothing is yet. */
export function freshPath(name: string): string {
  return path.join(mkdtempSync(path.join(tmpdir(), "dspex-test-")), name);
}
