import { deferred, type Clock } from "@dspex/core";
import { stacksSignal } from "@dspex/python-bridge";
import type { OsProcess } from "./os-process.ts";

/** How long a process may take to begin to write. One that is stopped by the system never does. */
const beginMs = 500;
/** It writes in one go, from within its signal handler: a longer pause is the end. */
const pauseMs = 50;

const maxChars = 64 * 1024;

/**
 * What the threads of a worker are doing at this moment: their Python stacks, on which C code of the interpreter reports in the
 * signal's own handler (`docs/protocol.md` §4, Liveness). So it does not matter whether the event loop is blocked or some thread
 * holds the interpreter's lock. Empty for a process that is stopped or gone.
 */
export function readStacks(process: OsProcess, clock: Clock): Promise<string> {
  const stacks = deferred<string>();
  let text = "";
  const finish = (): void => {
    process.stderr.off("data", onData);
    stacks.resolve(text);
  };
  let timer = clock.setTimeout(finish, beginMs);
  const onData = (chunk: Buffer): void => {
    text = (text + chunk.toString()).slice(-maxChars);
    timer.cancel();
    timer = clock.setTimeout(finish, pauseMs);
  };
  process.stderr.on("data", onData);
  process.signal(stacksSignal);
  return stacks.promise;
}
