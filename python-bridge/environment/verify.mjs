import { environmentError, setUpAgain } from "./errors.mjs";
import { run } from "./run.mjs";

/** What the default environment is for. */
export const IMPORTS = ["dspy", "msgspec"];
const TIMEOUT_MS = 60_000;

/**
 * Imports what the environment is for, in the environment, and returns the versions found: the real check, for which
 * `findEnvironment` has no time.
 */
export async function verifyEnvironment(
  { python, directory },
  { imports = IMPORTS, env = process.env, signal } = {},
) {
  const script = [
    `import ${["json", "importlib.metadata", ...imports].join(", ")}`,
    `print(json.dumps({name: importlib.metadata.version(name) for name in ${JSON.stringify(imports)}}))`,
  ].join("\n");
  const result = await run(python, ["-I", "-c", script], { env, signal, timeoutMs: TIMEOUT_MS });
  if (result.ok) return JSON.parse(result.stdout.trim().split("\n").at(-1));
  const reason = result.stderr.trim().split("\n").at(-1) || result.failure;
  throw environmentError("ERR_PYTHON_ENVIRONMENT_BROKEN", {
    problem: `${imports.join(" and ")} cannot be imported in ${directory}: ${reason}`,
    remedy: setUpAgain(directory),
    details: { directory, output: result.stderr.slice(-4_000) },
  });
}
