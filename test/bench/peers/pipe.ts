import path from "node:path";
import { ensureEnvironment } from "@dspex/python-bridge/environment";
import { decode, encode } from "./codec.ts";
import { pythonPrograms } from "./environment.ts";
import { type Peer, startProgram } from "./peer.ts";

/**
 * The floor: the same codecs, interpreter and pipes as ours, and nothing else: no deadline, no cancel, no limit, no check. A task for
 * each request in Python, one write per turn of either event loop.
 */
export async function startPipe(): Promise<Peer> {
  const { python } = await ensureEnvironment();
  const program = startProgram([python, path.join(pythonPrograms, "pipe_echo.py")], { stdio: "pipe" });
  const input = program.process.stdin!;
  const waiting = new Map<number, (value: unknown) => void>();
  let asked = 0;
  let outgoing: Buffer[] = [];
  let unfinished: Buffer | undefined;

  program.process.stdout!.on("data", (chunk: Buffer) => {
    const data = unfinished === undefined ? chunk : Buffer.concat([unfinished, chunk]);
    let at = 0;
    while (data.length - at >= 4) {
      const end = at + 4 + data.readUInt32BE(at);
      if (end > data.length) break;
      const [id, value] = decode(data.subarray(at + 4, end)) as [number, unknown];
      waiting.get(id)!(value);
      waiting.delete(id);
      at = end;
    }
    unfinished = at === data.length ? undefined : data.subarray(at);
  });

  const flush = (): void => {
    input.write(Buffer.concat(outgoing));
    outgoing = [];
  };
  return {
    name: "bare pipe",
    call: (value) =>
      new Promise((resolve) => {
        asked += 1;
        waiting.set(asked, resolve);
        const body = encode([asked, value]);
        const length = Buffer.allocUnsafe(4);
        length.writeUInt32BE(body.length);
        if (outgoing.push(length, body) === 2) process.nextTick(flush);
      }),
    stop: () => program.stop(),
  };
}
