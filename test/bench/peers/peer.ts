import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Another way to have a Python process answer: it echoes what it is given. */
export interface Peer {
  readonly name: string;
  readonly call: (value: unknown) => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

/** A program of a peer, and how to end it. */
export function startProgram(
  command: readonly string[],
  {
    stdio = "inherit",
    env = {},
  }: { readonly stdio?: "inherit" | "pipe"; readonly env?: NodeJS.ProcessEnv } = {},
): { readonly process: ChildProcess; readonly stop: () => Promise<void> } {
  const [program, ...args] = command;
  const child = spawn(program!, args, {
    stdio: [stdio === "pipe" ? "pipe" : "ignore", stdio, "inherit"],
    env: { ...process.env, ...env },
  });
  const exited = once(child, "exit");
  // A measurement that fails must not leave its peers behind.
  const kill = (): void => void child.kill();
  process.once("exit", kill);
  return {
    process: child,
    async stop() {
      kill();
      await exited;
      process.off("exit", kill);
    },
  };
}

/** Tries again until a program that was just started answers. */
export async function answers(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await ask();
      return;
    } catch (error) {
      if (attempt > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
