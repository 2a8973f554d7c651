import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import { jsonLinesCodec, kinds, msgpackCodec, toWire, type WireCodec } from "@dspex/python-bridge";
import { Inbox } from "../../python-bridge/src/inbox.ts";
import { callLine, lineOf, Outbox } from "../../python-bridge/src/outbox.ts";
import { everything, framesIn } from "./frames.ts";
import { plain } from "./plain.ts";

const codecs = [msgpackCodec, jsonLinesCodec];
const window = 16_000_000;

/** What an outbox hands out, one frame after the other: its kind and value. */
function sentBy(outbox: Outbox, codec: WireCodec, batches = Infinity): { kind: number; value: unknown }[] {
  const bytes: Uint8Array[] = [];
  for (let n = 0; n < batches; n += 1) {
    const buffers = outbox.next();
    if (buffers.length === 0) break;
    bytes.push(...buffers);
  }
  return framesIn(codec, Buffer.concat(bytes)).map((frame) => ({
    kind: frame.kind,
    value: codec.decode(frame),
  }));
}
const kindsOf = (frames: readonly { kind: number }[]): number[] => frames.map(({ kind }) => kind);

function outboxOf(codec: WireCodec, windowBytes = window) {
  const outbox = new Outbox(codec);
  outbox.allowChunks(windowBytes);
  const add = (kind: number, value: readonly [number, ...unknown[]]): void =>
    outbox.add(codec.encode(kind, value as never, everything), lineOf(kind, value[0]));
  return { outbox, add };
}

describe.each(codecs)("what is to be sent, with $name", (codec) => {
  const large = "x".repeat(3 * codec.chunkBytes);

  it("leaves at once when it is small, in order", () => {
    const { outbox, add } = outboxOf(codec);
    add(kinds.cancel, [1]);
    add(kinds.call, [2, "small"]);
    expect(sentBy(outbox, codec, 1)).toEqual([
      { kind: kinds.cancel, value: [1] },
      { kind: kinds.call, value: [2, "small"] },
    ]);
    expect(outbox.next()).toEqual([]);
  });

  it("leaves in chunks when it is large, with what is small between them", () => {
    const { outbox, add } = outboxOf(codec);
    add(kinds.call, [1, large]);
    expect(kindsOf(sentBy(outbox, codec, 1))).toEqual([kinds.begin, kinds.chunk]);
    add(kinds.cancel, [9]);
    expect(kindsOf(sentBy(outbox, codec, 1))).toEqual([kinds.cancel, kinds.chunk]);
    expect(kindsOf(sentBy(outbox, codec)).every((kind) => kind === kinds.chunk)).toBe(true);
  });

  it("gives each large message its turn", () => {
    const { outbox, add } = outboxOf(codec);
    add(kinds.call, [1, large]);
    add(kinds.call, [2, large]);
    const chunks = sentBy(outbox, codec).filter(({ kind }) => kind === kinds.chunk);
    const transfers = chunks.map(({ value }) => (value as [number])[0]);
    expect(transfers.slice(0, 6)).toEqual([1, 2, 1, 2, 1, 2]);
  });

  it("does not overtake a large message of its own line", () => {
    const { outbox, add } = outboxOf(codec);
    add(kinds.stream, [7, large]);
    add(kinds.stream, [7, "behind"]);
    add(kinds.stream, [8, "of another line"]);
    add(kinds.upresult, [7, true, large]);
    const inbox = new Inbox(window);
    const arrived: unknown[] = [];
    for (const { kind, value } of sentBy(outbox, codec)) {
      const [id, a, b] = value as [number, unknown, unknown];
      if (kind === kinds.begin) inbox.begin(id, a, b);
      else if (kind !== kinds.chunk) arrived.push([kind, id, a]);
      else {
        const whole = inbox.fill(id, a);
        if (whole !== undefined) arrived.push([whole.kind, (codec.decode(whole) as [number])[0]]);
      }
    }
    expect(arrived).toEqual([
      [kinds.stream, 8, "of another line"],
      [kinds.stream, 7],
      [kinds.stream, 7, "behind"],
      [kinds.upresult, 7],
    ]);
  });

  it("G4: begins no more than the peer's window has room for; answers have one of their own", () => {
    const { outbox, add } = outboxOf(codec, large.length * 2.5);
    for (const id of [1, 2, 3]) add(kinds.call, [id, large]);
    for (const id of [4, 5, 6]) add(kinds.upresult, [id, true, large]);
    const inbox = new Inbox(large.length * 2.5);
    let begun = 0;
    let most = 0;
    for (const { kind, value } of sentBy(outbox, codec)) {
      const [id, a, b] = value as [number, unknown, unknown];
      if (kind === kinds.begin) {
        inbox.begin(id, a, b);
        begun += 1;
      } else if (inbox.fill(id, a) !== undefined) begun -= 1;
      most = Math.max(most, begun);
    }
    expect(begun).toBe(0);
    expect(most).toBe(4);
  });

  it("is taken back before it has begun, and dropped when it has", () => {
    const { outbox, add } = outboxOf(codec, large.length * 1.5);
    add(kinds.call, [1, large]);
    add(kinds.call, [2, large]);
    expect(kindsOf(sentBy(outbox, codec, 1))).toEqual([kinds.begin, kinds.chunk]);
    expect([outbox.withdraw(callLine(2)), outbox.withdraw(callLine(1))]).toEqual([true, true]);
    expect(outbox.withdraw(callLine(1))).toBe(false);
    expect(sentBy(outbox, codec)).toEqual([{ kind: kinds.drop, value: [1] }]);
    add(kinds.call, [3, large]);
    expect(sentBy(outbox, codec)[0]).toMatchObject({
      kind: kinds.begin,
      value: [2, kinds.call, [expect.any(Number)]],
    });
  });

  it("is one plain frame for a peer that takes no chunks", () => {
    const outbox = new Outbox(codec);
    outbox.add(codec.encode(kinds.call, [1, large, Buffer.alloc(100_000)] as never, new Set()), callLine(1));
    expect(kindsOf(sentBy(outbox, codec))).toEqual([kinds.call]);
  });

  it("leaves the memory of large bytes where it is", () => {
    const { outbox, add } = outboxOf(codec);
    const bytes = Buffer.alloc(200_000);
    add(kinds.call, [1, toWire(bytes)]);
    outbox.next();
    const buffers = outbox.next();
    if (codec === msgpackCodec) expect(buffers.some(({ buffer }) => buffer === bytes.buffer)).toBe(true);
    expect(buffers.length).toBeGreaterThan(0);
  });
});

interface TransferCase {
  readonly name: string;
  readonly frames: readonly string[];
  readonly messages?: readonly { kind: number; value: unknown }[];
  readonly windowBytes?: number;
}
const { transfers } = JSON.parse(
  readFileSync(path.resolve(import.meta.dirname, "../../python-bridge/vectors/transfers.json"), "utf8"),
) as { transfers: TransferCase[] };

/** The messages that frames make whole, one after the other. */
function wholeMessages({
  frames,
  windowBytes = 64 * 1024 * 1024,
}: TransferCase): { kind: number; value: unknown }[] {
  const inbox = new Inbox(windowBytes);
  const whole: { kind: number; value: unknown }[] = [];
  for (const frame of frames.flatMap((hex) => framesIn(msgpackCodec, Buffer.from(hex, "hex")))) {
    const [id, a, b] = msgpackCodec.decode(frame) as [unknown, unknown, unknown];
    if (frame.kind === kinds.begin) inbox.begin(id, a, b);
    else if (frame.kind === kinds.drop) inbox.drop(id);
    else {
      const message = inbox.fill(id, a);
      if (message !== undefined && message.kind < 100)
        whole.push({ kind: message.kind, value: msgpackCodec.decode(message) });
    }
  }
  return whole;
}

describe("what arrives in chunks", () => {
  it.each(transfers.filter(({ messages }) => messages !== undefined))(
    "is put together: $name",
    (transfer) => {
      expect(wholeMessages(transfer)).toEqual(
        transfer.messages!.map(({ kind, value }) => ({ kind, value: plain(value) })),
      );
    },
  );

  it.each(transfers.filter(({ messages }) => messages === undefined))(
    "ends the connection: $name",
    (transfer) => {
      expect(() => wholeMessages(transfer)).toThrow(
        expect.objectContaining({ code: "ERR_PROTOCOL_VIOLATION" }),
      );
    },
  );
});
