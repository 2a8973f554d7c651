import { environmentError } from "./errors.mjs";
import { venvMissing } from "./find-python.mjs";
import { run } from "./run.mjs";

/** The lock is the whole truth: DSPy's own requirements name libraries that are left out by design. */
const LOCKED = ["--no-deps", "--require-hashes", "-r"];
const UNATTENDED = ["--no-user", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"];
/** No module in the working directory may stand in for the installer. */
const ALONE = ["-I", "-m"];

/**
 * Makes an empty environment of `base` in `directory`. pip is not put into it: that takes seconds, and mostly nobody
 * needs it there.
 */
export async function createEmpty(base, directory, options) {
  const command = base.uv
    ? ["uv", "venv", "--quiet", "--no-project", "--python", base.executable, directory]
    : [base.executable, ...ALONE, "venv", "--without-pip", directory];
  await must(command, { ...options, base });
}

/**
 * Installs a lock file into the environment of `python`, by uv when it is there, and returns by which. Where uv fails,
 * pip has a try: an index that only pip's configuration names is common.
 *
 * Which index is asked, through which proxy, with which certificates, is the user's configuration: PIP_* and UV_* and
 * the files of either are left alone.
 */
export async function installLock(lock, { python, base, onFallback, ...options }) {
  const withUv = async () => {
    // Without bytecode from the start, workers would compile DSPy at each of theirs where none may be written.
    const uv = ["uv", "pip", "install", "--python", python, "--compile-bytecode"];
    await must([...uv, ...LOCKED, lock.file], { ...options, base });
    return "uv";
  };
  const withPip = async () => {
    const pip = await findPip(python, base, { ...options, base });
    await must([...pip, "install", ...UNATTENDED, ...LOCKED, lock.file], { ...options, base });
    return "pip";
  };
  if (!base.uv) return withPip();
  try {
    return await withUv();
  } catch (error) {
    options.signal?.throwIfAborted();
    onFallback(error);
    return withPip();
  }
}

/** The pip of the base, told to work on the environment, if it can; else one of the environment's own. */
async function findPip(python, base, options) {
  if (base.lendsPip) return [base.executable, ...ALONE, "pip", "--python", python];
  await must([python, ...ALONE, "ensurepip"], options);
  return [python, ...ALONE, "pip"];
}

async function must([command, ...args], { base, env, signal, onLine }) {
  const { PYTHONPATH: _path, PYTHONHOME: _home, ...clean } = env;
  const result = await run(command, args, { env: clean, signal, onLine });
  if (!result.ok) throw failure([command, ...args], result, base);
}

/** What a failed installer's words mean, in the order in which they are looked for. */
function failure(command, { failure: how, stdout, stderr }, base) {
  const output = `${stdout}\n${stderr}`.trim();
  const details = { command: command.join(" "), output: output.slice(-4_000) };
  if (/No module named '?(ensurepip|venv)|ensurepip is not available/.test(output))
    return venvMissing(base, { details });
  if (/No space left on device|Disk quota exceeded/.test(output)) {
    return environmentError("ERR_PYTHON_INSTALL_FAILED", {
      problem: "The disk is full.",
      remedy: "Free about 200 MB, or name a cache directory on another disk: DSPEX_HOME=/path/to/directory.",
      details,
    });
  }
  if (OFFLINE.test(output)) {
    return environmentError("ERR_PYTHON_OFFLINE", {
      problem: "The package index cannot be reached, or has not what the lock file names.",
      remedy:
        "Check the network and the index, proxy and certificates in your pip or uv settings, then run it again.",
      details,
    });
  }
  return environmentError("ERR_PYTHON_INSTALL_FAILED", {
    problem: `${command[0]} ${how}: ${lastError(output)}`,
    remedy: "Run `npx dspex doctor` for the whole picture; `npx dspex setup` starts afresh.",
    details,
  });
}

const OFFLINE = new RegExp(
  [
    "NewConnectionError|Failed to establish a new connection|Connection refused|Connection reset|Remote end closed",
    "Temporary failure in name resolution|Name or service not known|nodename nor servname|getaddrinfo|dns error",
    "Network is unreachable|No route to host|timed out|ConnectTimeoutError|ProxyError|SSLError|CERTIFICATE_VERIFY",
    "error sending request|client error \\(Connect\\)|Failed to fetch|Network connectivity is disabled",
    "No matching distribution found|was not found in the (package registry|provided package locations)",
  ].join("|"),
  "i",
);

function lastError(output) {
  const lines = output.split("\n").map((line) => line.trim());
  return lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? "";
}
