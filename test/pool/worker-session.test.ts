import { describe, expect, it } from "@jest/globals";
import { DspexError } from "@dspex/core";
import type { UpcallHandler } from "@dspex/pool";
import { kinds, msgpackCodec } from "@dspex/python-bridge";
import { playedWorker, turn } from "./played-worker.ts";

const cancelGraceMs = 5_000;
const info = { lane: "thread", durationMs: 1, lmCalls: 0, usage: null };
const cancelled = { code: "cancelled", type: "E", message: "m", traceback: "", details: {} };

/** A session with a worker that the test plays, frame by frame. */
async function sessionWith(upcalls: Partial<UpcallHandler> = {}) {
  const worker = await playedWorker(
    { maxFrameBytes: 1_024 },
    { heartbeatMs: 1_000_000, cancelGraceMs },
    upcalls,
  );
  const { says, stdin } = worker;
  const sent: { readonly kind: number; readonly value: unknown }[] = [];
  const decoder = msgpackCodec.createDecoder(1_000_000);
  stdin.on("data", (chunk: Buffer) =>
    decoder.push(chunk, (frame) => sent.push({ kind: frame.kind, value: msgpackCodec.decode(frame) })),
  );
  /** Answers the last PING. */
  const pong = async (state: {
    inFlight?: number[];
    abandoned?: number;
    abandonedMs?: number;
  }): Promise<void> => {
    await turn();
    const [n] = sent.findLast(({ kind }) => kind === kinds.ping)!.value as [number];
    await says(kinds.pong, [
      n,
      { lagMs: 0, inFlight: [], abandoned: 0, abandonedMs: 0, rssBytes: 1, ...state },
    ]);
  };
  const pings = async (): Promise<number> => {
    await turn();
    return sent.filter(({ kind }) => kind === kinds.ping).length;
  };
  return { ...worker, pong, pings, sent };
}

describe("the grace time of a call that was given up", () => {
  it("G3: is all that an unanswered cancellation gets", async () => {
    const { clock, run, late } = await sessionWith();
    run().abort();
    clock.advance(cancelGraceMs - 1);
    expect(late).toEqual([]);
    clock.advance(1);
    expect(late).toEqual([`it did not answer a cancelled call within ${cancelGraceMs} ms`]);
  });

  it("G3: runs for code that goes on behind its answer, and ends the worker only then", async () => {
    const { clock, run, says, pong, pings, late } = await sessionWith();
    const before = await pings();
    run().abort();
    await says(kinds.error, [1, cancelled, info]);
    clock.advance(cancelGraceMs);
    expect(await pings()).toBe(before + 1);
    // By the worker's clock it is not yet over.
    await pong({ abandoned: 1, abandonedMs: cancelGraceMs - 2 });
    expect(late).toEqual([]);
    clock.advance(2);
    expect(await pings()).toBe(before + 2);
    await pong({ abandoned: 1, abandonedMs: cancelGraceMs });
    expect(late).toEqual([`code of a call ran on for ${cancelGraceMs} ms after its end`]);
  });

  it("is the same for a deadline that the worker saw first", async () => {
    const { clock, run, says, pong, late } = await sessionWith();
    run();
    await says(kinds.error, [1, { ...cancelled, code: "deadline_exceeded" }, info]);
    clock.advance(cancelGraceMs);
    await pong({ abandoned: 1, abandonedMs: cancelGraceMs });
    expect(late).toHaveLength(1);
  });

  it("is not prolonged by calls that are given up later", async () => {
    const { clock, run, says, pong, pings, late } = await sessionWith();
    run().abort();
    await says(kinds.error, [1, cancelled, info]);
    clock.advance(cancelGraceMs);
    run().abort();
    await pong({ inFlight: [2], abandoned: 1, abandonedMs: cancelGraceMs - 1 });
    const before = await pings();
    clock.advance(1);
    expect(await pings()).toBe(before + 1);
    await pong({ inFlight: [2], abandoned: 1, abandonedMs: cancelGraceMs });
    expect(late).toHaveLength(1);
  });

  it("G4: costs one timer however many calls are given up, and none when all have ended", async () => {
    const { clock, run, says, pong } = await sessionWith();
    const before = clock.pending;
    for (let id = 1; id <= 100; id += 1) {
      run().abort();
      await says(kinds.error, [id, cancelled, info]);
    }
    expect(clock.pending).toBe(before + 1);
    clock.advance(cancelGraceMs);
    await pong({});
    expect(clock.pending).toBe(before);
  });
});

describe("a PONG", () => {
  it("says nothing of a call that was sent after its PING", async () => {
    const { run, pong, broken } = await sessionWith();
    run();
    await pong({});
    expect(broken).toEqual([]);
  });

  it("G1: shows a call that the worker has lost", async () => {
    const { clock, run, pong, broken } = await sessionWith();
    run();
    run();
    clock.advance(1_000_000);
    await pong({ inFlight: [2] });
    expect(broken).toEqual([
      expect.objectContaining({
        code: "ERR_PROTOCOL_VIOLATION",
        message: expect.stringContaining("call 1 was never answered"),
      }),
    ]);
  });
});

describe("an upcall", () => {
  const upresults = (sent: readonly { readonly kind: number; readonly value: unknown }[]): unknown[] =>
    sent.filter(({ kind }) => kind === kinds.upresult).map(({ value }) => value);

  it.each([
    ["an answer that is too large", () => Promise.resolve("x".repeat(2_000)), "ERR_FRAME_TOO_LARGE"],
    ["an answer that is no plain data", () => Promise.resolve(new Date() as never), "ERR_NOT_SERIALIZABLE"],
    ["an error whose message is too large", () => Promise.reject(new Error("y".repeat(2_000))), "ERR_HOST"],
  ])("is answered with an error for %s", async (_what, handle, code) => {
    const { run, says, sent } = await sessionWith({ handle });
    run();
    await says(kinds.upcall, [1, 1, "tool", {}]);
    await turn();
    expect(upresults(sent)).toEqual([[1, false, expect.objectContaining({ code })]]);
  });

  it("is not answered when nobody waits for it any more", async () => {
    let fail: (error: unknown) => void = () => {};
    const { run, says, sent } = await sessionWith({
      handle: () => new Promise((_resolve, reject) => (fail = reject)),
    });
    run();
    await says(kinds.upcall, [1, 1, "tool", {}]);
    await says(kinds.upcancel, [1]);
    fail(new DspexError("ERR_QUEUE_FULL", "late", { details: { pool: "p", limit: 1 } }));
    await turn();
    expect(upresults(sent)).toEqual([]);
  });
});

describe("the stacks of a worker", () => {
  it("are what it writes to its standard error after the signal, until it pauses", async () => {
    const { clock, session, stderr, signals } = await sessionWith();
    stderr.resume().write("before\n");
    await turn();
    const stacks = session.stacks();
    expect(signals).toEqual(["SIGUSR2"]);
    clock.advance(400);
    stderr.write("Thread 1\n");
    await turn();
    clock.advance(40);
    stderr.write("Thread 2\n");
    await turn();
    clock.advance(50);
    expect(await stacks).toBe("Thread 1\nThread 2\n");
  });

  it("are empty when it does not answer", async () => {
    const { clock, session } = await sessionWith();
    const stacks = session.stacks();
    clock.advance(500);
    expect(await stacks).toBe("");
    expect(clock.pending).toBe(1); // the heartbeat
  });
});
