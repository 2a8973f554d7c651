import { spawn } from "node:child_process";

const KEPT_CHARACTERS = 64 * 1024;

/**
 * Runs a program without a shell and without stdin. Resolves with what became of it, also when it could not be started;
 * rejects only when `signal` aborts, after the child was told to stop.
 *
 * Each output stream is kept up to its last 64 K characters; `onLine` sees every line as it comes.
 */
export function run(command, args, { env = process.env, cwd, signal, timeoutMs, onLine = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(command, args, { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      let partial = "";
      child[name].setEncoding("utf8").on("data", (text) => {
        output[name] = (output[name] + text).slice(-KEPT_CHARACTERS);
        const lines = (partial + text).split(/\r?\n|\r/);
        partial = lines.pop();
        for (const line of lines) if (line.trim() !== "") onLine(line.trim());
      });
    }

    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            child.kill("SIGKILL");
            // A grandchild may hold the pipes open for ever, so `close` is not waited for.
            child.stdout.destroy();
            child.stderr.destroy();
            settle({ ok: false, failure: `gave no answer within ${timeoutMs / 1000} s` });
          }, timeoutMs);
    const abort = () => {
      child.kill("SIGTERM");
      child.once("close", () => reject(signal.reason));
    };
    signal?.addEventListener("abort", abort, { once: true });

    const settle = (outcome) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      resolve({ ...output, ...outcome });
    };
    child.once("error", (error) => {
      const words = { ENOENT: "not found", EACCES: "not executable" };
      settle({ ok: false, failure: words[error.code] ?? error.message });
    });
    child.once("close", (code, killedBy) => {
      if (signal?.aborted) return;
      settle(
        code === 0 ? { ok: true } : { ok: false, failure: `ended with ${killedBy ?? `exit code ${code}`}` },
      );
    });
  });
}
