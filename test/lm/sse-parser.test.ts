import { describe, expect, it } from "@jest/globals";
import { SseParser } from "../../packages/lm/src/sse-parser.ts";

const tooLong = new Error("too long");
const parser = (maxLength = 1_000) => new SseParser(maxLength, () => tooLong);

/** What comes out when the bytes come in the given pieces. */
const dataOf = (pieces: readonly Uint8Array[], sse = parser()): string[] =>
  pieces.flatMap((piece) => [...sse.push(piece)]);

const stream = Buffer.from(
  "\uFEFFdata: one\n\n: a comment\r\nevent: delta\r\ndata: é🙂\r\ndata:two\r\n\r\nid: 7\rdata:  three\r\r\ndata\ndata: :\n\nretry: 5\n\ndata: unfinished\n",
);
const expected = ["one", "é🙂\ntwo", " three", "\n:"];

describe("the parser of server-sent events", () => {
  it("yields the data of every complete event, with any line end, and skips the rest", () => {
    expect(dataOf([stream])).toEqual(expected);
  });

  it("does not depend on where the stream is cut", () => {
    for (let cut = 0; cut <= stream.length; cut += 1)
      expect(dataOf([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(expected);
    expect(dataOf(Array.from(stream, (byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  it("yields an event as soon as its empty line is there, even when its line feed is still to come", () => {
    const sse = parser();
    expect(dataOf([Buffer.from("data: a\r\n\r")], sse)).toEqual(["a"]);
    expect(dataOf([Buffer.from("\ndata: b\r\n\r\n")], sse)).toEqual(["b"]);
  });

  it.each([
    ["a line without end", ["data: 12", "34567890"]],
    ["many lines of one event", ["data: 12345\n", "data: 67890\n", "data: 1\n"]],
    ["many events at once, one of them too long", ["data: 1\n\ndata: 12345678901\n\n"]],
  ])("G4: holds no more than its limit of %s", (_what, pieces) => {
    expect(() =>
      dataOf(
        pieces.map((piece) => Buffer.from(piece)),
        parser(10),
      ),
    ).toThrow(tooLong);
  });

  it("takes data of exactly the limit, event after event", () => {
    const event = Buffer.from("data: 1234\n\n");
    expect(dataOf([event, event, event], parser(10))).toEqual(["1234", "1234", "1234"]);
  });
});
