import { spawn, type ChildProcess } from "node:child_process";
import path from "node:path";
import { text } from "node:stream/consumers";
import type { OfflineServer } from "../../packages/dspex/src/demo/offline-server.ts";

const root = path.resolve(import.meta.dirname, "../..");

/** Starts an example of `docs/examples` as its reader would, with the offline rules in place of a model. */
export function startExample(
  file: string,
  model: OfflineServer,
): ChildProcess & { stdout: NodeJS.ReadableStream } {
  const env = { ...process.env, OPENAI_BASE_URL: model.url, OPENAI_API_KEY: model.apiKey };
  const command = ["--import", "tsx", "--conditions=@dspex/source", `docs/examples/${file}`];
  const child = spawn(process.execPath, command, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  return child as ChildProcess & { stdout: NodeJS.ReadableStream };
}

/** Runs an example to its end. */
export async function runExample(
  file: string,
  model: OfflineServer,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = startExample(file, model);
  const status = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr!)]);
  return { status: await status, stdout, stderr };
}
