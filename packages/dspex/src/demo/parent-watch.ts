/**
 * Calls `onGone` when the process that started this one is gone: whoever kills `npm` with SIGKILL means the demo, and
 * nobody is left to pass a signal on.
 *
 * @returns how to stop watching.
 */
export function watchParent(onGone: () => void): () => void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) onGone();
  }, 200);
  timer.unref();
  return () => clearInterval(timer);
}
