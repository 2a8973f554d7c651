import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { decode, encode } from "./codec.ts";
import { peerPackage, peerPython, pythonPrograms } from "./environment.ts";
import { type Peer, startProgram } from "./peer.ts";

interface Dealer extends AsyncIterable<[Buffer]> {
  connect(address: string): void;
  send(message: Uint8Array): Promise<void>;
  close(): void;
}

/** ZeroMQ over a Unix socket, dealer to router, with the same codecs. */
export async function startZeroMq(): Promise<Peer> {
  const { Dealer } = (await peerPackage("zeromq")) as { readonly Dealer: new () => Dealer };
  const file = path.join(tmpdir(), `dspex-bench-${process.pid}.sock`);
  const address = `ipc://${file}`;
  const program = startProgram([await peerPython(), path.join(pythonPrograms, "zeromq_echo.py"), address]);
  const socket = new Dealer();
  socket.connect(address);
  const waiting = new Map<number, (value: unknown) => void>();
  let asked = 0;
  const outgoing: Uint8Array[] = [];
  let sending = false;

  // A socket takes one message at a time.
  const send = async (): Promise<void> => {
    sending = true;
    for (let message = outgoing.shift(); message !== undefined; message = outgoing.shift())
      await socket.send(message);
    sending = false;
  };
  const receive = async (): Promise<void> => {
    for await (const [message] of socket) {
      const [id, value] = decode(message) as [number, unknown];
      waiting.get(id)!(value);
      waiting.delete(id);
    }
  };
  void receive();
  return {
    name: "ZeroMQ",
    call: (value) =>
      new Promise((resolve) => {
        asked += 1;
        waiting.set(asked, resolve);
        outgoing.push(encode([asked, value]));
        if (!sending) void send();
      }),
    async stop() {
      socket.close();
      await program.stop();
      await rm(file, { force: true });
    },
  };
}
