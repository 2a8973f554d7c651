import { describe, expect, it } from "@jest/globals";
import { DspexError } from "@dspex/core";
import { kinds, msgpackCodec, toWire, type WireValue } from "@dspex/python-bridge";
import { playedWorker, turn } from "./played-worker.ts";

const large = toWire(Buffer.alloc(5_000_000)) as WireValue;

/** A session with a worker that takes chunks, and reads only when the test says so. */
async function sessionWithSlowWorker() {
  const {
    run: give,
    stdin,
    ...worker
  } = await playedWorker(
    { maxFrameBytes: 64_000_000, capabilities: ["chunks"] },
    { heartbeatMs: 1_000, cancelGraceMs: 5_000 },
  );
  /** The frames that the worker reads now, until nothing more comes. */
  const read = async (): Promise<{ kind: number; value: unknown }[]> => {
    const frames: { kind: number; value: unknown }[] = [];
    const decoder = msgpackCodec.createDecoder(1_000_000);
    stdin.on("data", (chunk: Buffer) =>
      decoder.push(chunk, (frame) => frames.push({ kind: frame.kind, value: msgpackCodec.decode(frame) })),
    );
    for (let before = -1; before !== frames.length;) {
      before = frames.length;
      for (let n = 0; n < 5; n += 1) await turn();
    }
    return frames;
  };
  return { ...worker, run: () => give(large), read };
}

describe("a call that is too large for one frame", () => {
  it("is not lost while it is not sent whole, whatever the worker says of what it has", async () => {
    const { clock, run, says, broken } = await sessionWithSlowWorker();
    run();
    await turn();
    clock.advance(1_000);
    // The PING went ahead of what is left of the call.
    await says(kinds.pong, [2, { lagMs: 0, inFlight: [], abandoned: 0, abandonedMs: 0, rssBytes: 1 }]);
    expect(broken).toEqual([]);
  });

  it("is lost when the worker does not know it although it was sent whole", async () => {
    const { clock, run, says, read, broken } = await sessionWithSlowWorker();
    run();
    await read();
    clock.advance(1_000);
    await says(kinds.pong, [2, { lagMs: 0, inFlight: [], abandoned: 0, abandonedMs: 0, rssBytes: 1 }]);
    expect(broken.map((error) => DspexError.is(error, "ERR_PROTOCOL_VIOLATION"))).toEqual([true]);
  });

  it("G3: is taken back when it is cancelled before it is sent whole: the worker sees no call and no CANCEL", async () => {
    const { session, run, read, rooms } = await sessionWithSlowWorker();
    const controller = run();
    await turn();
    controller.abort();
    expect([session.inFlight, rooms()]).toEqual([0, 1]);
    const seen = (await read()).map(({ kind }) => kind);
    expect(seen).toContain(kinds.drop);
    expect(seen).not.toContain(kinds.cancel);
  });
});
