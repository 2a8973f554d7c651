import process from "node:process";

const signals = ["SIGINT", "SIGTERM"] as const;

/** The status of a process that a signal ended, as shells report it. */
const exitStatus = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * The first SIGINT or SIGTERM calls `stop` and sets the exit status that shells expect; a second one ends the process at once.
 *
 * @returns how to stop listening.
 */
export function stopOnSignals(stop: () => Promise<void>): () => void {
  let asked = false;
  const onSignal = (signal: (typeof signals)[number]): void => {
    if (asked) process.exit(exitStatus[signal]);
    asked = true;
    process.exitCode = exitStatus[signal];
    void stop();
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}
