import { fileURLToPath } from "node:url";

import { installNodeModules, nodeModulesAreCurrent } from "./node-modules.mjs";
import { createProgress, reportProblem } from "./progress.mjs";

/** The root of the clone. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Makes the node modules and the Python environment where they are missing or stale; otherwise as {@link attended}. */
export function prepare({ groups = [] } = {}) {
  return attended(async ({ progress, signal }) => {
    if (!nodeModulesAreCurrent(ROOT)) {
      progress.start("node modules", "installing from package-lock.json");
      await installNodeModules(ROOT, { signal, onLine: progress.update });
      progress.finish("installed from package-lock.json");
    }
    return setUpEnvironment({ groups, signal, progress });
  });
}

/** The Python environment alone, as `dspex setup` wants it too. */
export async function setUpEnvironment({ progress, ...options }) {
  const { ensureEnvironment } = await import("@dspex/python-bridge/environment");
  return ensureEnvironment({ ...options, onProgress: progress.onEnvironment });
}

/**
 * Runs a set-up with its steps shown on stderr, and returns what it returned; or says what went wrong, sets the exit
 * code, and returns `undefined`.
 *
 * The first SIGINT, SIGTERM or SIGHUP stops it in good order: the installer is told to end, locks are released, the lock file
 * is put back. The second has its usual effect.
 */
export async function attended(setUp) {
  const progress = createProgress();
  const stop = new AbortController();
  const listeners = Object.entries({ SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }).map(([name, exitCode]) => {
    const remedy = "Run it again: what was finished is kept.";
    return [name, () => stop.abort({ problem: `Stopped by ${name}.`, remedy, exitCode })];
  });
  for (const [name, listener] of listeners) process.once(name, listener);
  try {
    return await setUp({ progress, signal: stop.signal });
  } catch (error) {
    progress.fail();
    if (error.problem === undefined) throw error;
    reportProblem(error);
    process.exitCode = error.exitCode ?? 1;
    return undefined;
  } finally {
    for (const [name, listener] of listeners) process.off(name, listener);
  }
}
