import { spawn } from "node:child_process";

const KEPT_CHARACTERS = 64 * 1024;

/**
 * Runs a program without a shell and without stdin. Resolves with what became of it, also when it could not be started;
 * rejects only when `signal` aborts, after the program has ended.
 *
 * It gets a process group of its own, which is signalled as a whole: pip and the shims of version managers start
 * further processes and do not pass signals on. Each output stream is kept up to its last 64 K characters; `onLine`
 * sees every line as it comes. Credentials in addresses, as of a private index, are taken out of both.
 */
export function run(command, args, { env = process.env, signal, timeoutMs, onLine = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(command, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      let partial = "";
      child[name].setEncoding("utf8").on("data", (text) => {
        output[name] = (output[name] + text).slice(-KEPT_CHARACTERS);
        const lines = (partial + text).split(/\r?\n|\r/);
        partial = lines.pop();
        for (const line of lines) if (line.trim() !== "") onLine(withoutCredentials(line.trim()));
      });
    }

    let failure;
    const stop = (name) => {
      try {
        process.kill(-child.pid, name);
      } catch {
        // Not started, or ended in this very moment.
      }
    };
    const abort = () => stop("SIGTERM");
    signal?.addEventListener("abort", abort, { once: true });
    const outOfTime = () => {
      failure = `gave no answer within ${timeoutMs / 1000} s`;
      stop("SIGKILL");
    };
    const timer = timeoutMs === undefined ? undefined : setTimeout(outOfTime, timeoutMs);

    child.once("error", (error) => {
      failure = { ENOENT: "not found", EACCES: "not executable" }[error.code] ?? error.message;
    });
    child.once("close", (code, killedBy) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      const [stdout, stderr] = [output.stdout, output.stderr].map(withoutCredentials);
      if (signal?.aborted) reject(signal.reason);
      else if (code === 0) resolve({ stdout, stderr, ok: true });
      else
        resolve({
          stdout,
          stderr,
          ok: false,
          failure: failure ?? `ended with ${killedBy ?? `exit code ${code}`}`,
        });
    });
  });
}

function withoutCredentials(text) {
  return text.replaceAll(/(?<=:\/\/)[^\s/@]+@/g, "***@");
}
