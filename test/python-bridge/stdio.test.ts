import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Readable } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { workerCommand } from "@dspex/python-bridge";
import { findEnvironment } from "@dspex/python-bridge/environment";

// This file writes and reads the wire by hand, so that it shows what docs/protocol.md says and not what our codec does.

const bytes = (...parts: (number | Buffer)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.from([part]) : part)));
/** MessagePack: str 8. */
const text = (value: string): Buffer => bytes(0xd9, Buffer.byteLength(value), Buffer.from(value));
/** MessagePack: uint 32. */
const uint = (value: number): Buffer => {
  const body = Buffer.alloc(5, 0xce);
  body.writeUInt32BE(value, 1);
  return body;
};
const emptyMap = 0x80;
const nil = 0xc0;

function frame(kind: number, value: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(4 + value.length);
  return bytes(length, 1, kind, 0, 0, value);
}

const hello = frame(
  1,
  bytes(
    0x89, // a map of nine
    bytes(text("protocol"), 0x82, text("min"), 1, text("max"), 1),
    bytes(text("runId"), text("run-by-hand")),
    bytes(text("workerId"), text("worker-by-hand")),
    bytes(text("maxFrameBytes"), uint(1 << 20)),
    bytes(text("threads"), 2),
    bytes(text("maxInFlight"), 4),
    bytes(text("monotonicMs"), uint(1)),
    bytes(text("paths"), 0x91, text(path.join(import.meta.dirname, "fixtures"))),
    bytes(text("seams"), emptyMap),
  ),
);
// [1, { function: "noisy:shout" }, ["quiet"], null, {}]
const call = frame(
  3,
  bytes(0x95, 1, 0x81, text("function"), text("noisy:shout"), 0x91, text("quiet"), nil, emptyMap),
);

/** Reads frames off a stream, by the header alone. */
async function* framesOf(stream: Readable): AsyncGenerator<{ kind: number; body: Buffer }> {
  let held = Buffer.alloc(0);
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 8 && held.length >= 4 + held.readUInt32BE(0)) {
      const end = 4 + held.readUInt32BE(0);
      if (held[4] !== 1) throw new Error(`Not a frame: ${held.toString("hex")}`);
      yield { kind: held[5]!, body: held.subarray(8, end) };
      held = held.subarray(end);
    }
  }
}

describe("a worker on nothing but standard input and output", () => {
  it("scenario 34: answers a CALL written by hand, whatever the called function prints", async () => {
    const { file, args } = workerCommand(findEnvironment()!.python);
    const worker = spawn(file, args, { stdio: ["pipe", "pipe", "ignore"] });
    const exited = once(worker, "exit");
    worker.stdin.write(hello);

    const kinds: number[] = [];
    const printed: string[] = [];
    let result: Buffer | undefined;
    for await (const { kind, body } of framesOf(worker.stdout)) {
      kinds.push(kind);
      if (kind === 2) worker.stdin.write(call);
      if (kind === 15) printed.push(body.toString());
      if (kind === 4) result = body;
      // Everything has been read back: the end of its input ends the worker.
      if (result !== undefined && printed.length >= 4) worker.stdin.end();
    }

    // A RESULT is an array of three: the id 1, then "QUIET" (fixstr of five), then a map.
    expect(result?.subarray(0, 8).toString("latin1")).toBe("\x93\x01\xa5QUIET");
    expect(kinds.filter((kind) => kind !== 15)).toEqual([2, 4]);
    expect(printed.join("\n")).toContain("print: quiet");
    expect(printed.join("\n")).toContain("os.write to descriptor 1");
    expect(printed.join("\n")).toContain("puts from C");
    expect(printed.join("\n")).toContain("echo from a child process");
    expect(await exited).toEqual([0, null]);
  }, 30_000);
});
