import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { decode, encode } from "./codec.ts";
import { peerPackage, peerPython, pythonPrograms } from "./environment.ts";
import { answers, type Peer, startProgram } from "./peer.ts";

interface GrpcClient {
  makeUnaryRequest(
    method: string,
    serialize: (value: unknown) => Buffer,
    deserialize: (bytes: Buffer) => unknown,
    value: unknown,
    done: (error: Error | null, value: unknown) => void,
  ): void;
  close(): void;
}

interface Grpc {
  readonly Client: new (address: string, credentials: unknown) => GrpcClient;
  readonly credentials: { createInsecure(): unknown };
}

/** gRPC unary calls over a Unix socket, asyncio server; the same codecs in place of protocol buffers. */
export async function startGrpc(): Promise<Peer> {
  const { Client, credentials } = (await peerPackage("@grpc/grpc-js")) as Grpc;
  const file = path.join(tmpdir(), `dspex-bench-${process.pid}-grpc.sock`);
  const address = `unix:${file}`;
  const program = startProgram([await peerPython(), path.join(pythonPrograms, "grpc_echo.py"), address]);
  const client = new Client(address, credentials.createInsecure());
  const call = (value: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest("/bench.Echo/Echo", encode, decode, value, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  await answers(() => call({}));
  return {
    name: "gRPC unary",
    call,
    async stop() {
      client.close();
      await program.stop();
      await rm(file, { force: true });
    },
  };
}
