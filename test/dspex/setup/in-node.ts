import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const bin = new URL("../../../packages/dspex/bin/", import.meta.url);

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of `packages/dspex/bin` as a user does, with `env` over the environment of the test. */
export function runBin(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  return node([fileURLToPath(new URL(program, bin)), ...args], env);
}

/** Calls a function of a module in `packages/dspex/bin` in a process of its own, and returns what it returned. */
export async function callBin<T>(
  module: string,
  name: string,
  args: readonly unknown[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended & { readonly returned: T }> {
  const script = `
    import { ${name} } from ${JSON.stringify(new URL(module, bin).href)};
    let returned;
    try {
      returned = await ${name}(...${JSON.stringify(args)});
    } catch (error) {
      returned = { ...error };
    }
    console.error("\\n" + JSON.stringify(returned ?? null));`;
  const ended = await node(["--input-type=module", "-e", script], env);
  return { ...ended, returned: JSON.parse(ended.stderr.trim().split("\n").at(-1) ?? "null") as T };
}

async function node(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [[status], stdout, stderr] = await Promise.all([
    once(child, "close"),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { status, stdout, stderr };
}
