import type { ServerResponse } from "node:http";
import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { DspexError } from "@dspex/core";
import { http, type HttpOptions, type LmRequest, type LmStreamEvent } from "@dspex/lm";
import { eventStream, json, startChatServer, turn } from "./chat-server.ts";

const request: LmRequest = {
  model: "default",
  messages: [{ role: "user", parts: [{ type: "text", text: "What?" }] }],
};
const canary = "sk-canary-0123456789";

const never = () => new AbortController().signal;
function stream(options: Omit<HttpOptions, "model">, signal = never()): AsyncIterable<LmStreamEvent> {
  return http({ model: "m", ...options }).stream!(request, { signal });
}

/** What a stream delivers, and how it ends when it does not end well. */
async function read(events: AsyncIterable<LmStreamEvent>, onEvent?: (event: LmStreamEvent) => void) {
  const delivered: LmStreamEvent[] = [];
  try {
    for await (const event of events) {
      delivered.push(event);
      onEvent?.(event);
    }
  } catch (error) {
    if (DspexError.is(error)) return { delivered, error };
    throw error;
  }
  return { delivered };
}

const chunk = (delta: object, rest: object = {}) => ({
  id: "c1",
  model: "m-2",
  choices: [{ index: 0, delta, finish_reason: null }],
  ...rest,
});
const finish = (finish_reason: string) => ({
  id: "c1",
  model: "m-2",
  choices: [{ delta: {}, finish_reason }],
});
const usageChunk = {
  id: "c1",
  choices: [],
  usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 },
};
const sse = (...chunks: (object | string)[]) =>
  chunks.map((each) => `data: ${typeof each === "string" ? each : JSON.stringify(each)}\n\n`).join("");

const text = (piece: string): LmStreamEvent => ({
  type: "delta",
  delta: { type: "text", text: piece, part_index: 0 },
});
const start: LmStreamEvent = { type: "start", id: "c1", model: "m-2" };

const answer = sse(
  chunk({ role: "assistant", content: "" }),
  chunk({ content: "4" }),
  chunk({ content: "é🙂" }),
  finish("stop"),
  usageChunk,
  "[DONE]",
);
const events: LmStreamEvent[] = [
  start,
  text("4"),
  text("é🙂"),
  { type: "end", finish_reason: "stop", usage: { input_tokens: 7, output_tokens: 2, total_tokens: 9 } },
];

/** Begins a stream and leaves it open. */
const begin = (response: ServerResponse): void => {
  eventStream(response).write(sse(chunk({ content: "4" })));
};

describe("a streamed answer of the http adapter", () => {
  it("asks for a stream with its usage, and hands over start, deltas and end", async () => {
    await using server = await startChatServer((response) => void eventStream(response).end(answer));
    expect(await read(stream({ baseURL: server.baseURL, apiKey: canary }))).toEqual({ delivered: events });
    expect(server.seen).toMatchObject([
      {
        url: "/v1/chat/completions",
        headers: { authorization: `Bearer ${canary}` },
        body: { model: "m", stream: true, stream_options: { include_usage: true } },
      },
    ]);
  });

  it("is the same wherever the network cuts it", async () => {
    const bytes = Buffer.from(answer);
    await using server = await startChatServer(async (response) => {
      eventStream(response);
      for (const byte of bytes) {
        response.write(Buffer.of(byte));
        await turn();
      }
      response.end();
    });
    expect(await read(stream({ baseURL: server.baseURL }))).toEqual({ delivered: events });
  });

  it("arrives piece by piece, while the server is still writing", async () => {
    await using server = await startChatServer((response) => {
      begin(response);
      onFirst = () => void response.end(sse(finish("stop"), "[DONE]"));
    });
    let onFirst = (): void => {};
    const { delivered } = await read(stream({ baseURL: server.baseURL }), (event) => {
      if (event.type === "delta") onFirst();
    });
    expect(delivered.map(({ type }) => type)).toEqual(["start", "delta", "end"]);
  });

  it("carries thinking, tool calls and log probabilities", async () => {
    const call = (fields: object) => chunk({ tool_calls: [fields] });
    const logprobs = { content: [{ token: "a", logprob: -0.5 }] };
    await using server = await startChatServer(
      (response) =>
        void eventStream(response).end(
          sse(
            chunk({ reasoning_content: "hm" }),
            { choices: [{ delta: { content: "a" }, logprobs }] },
            call({ index: 0, id: "1", function: { name: "f", arguments: "" } }),
            call({ index: 0, function: { arguments: '{"x"' } }),
            call({ index: 1, id: "2", function: { name: "g", arguments: { y: 2 } } }),
            call({ index: 0, function: { arguments: ":1}" } }),
            finish("tool_calls"),
            "[DONE]",
          ),
        ),
    );
    const { delivered } = await read(stream({ baseURL: server.baseURL }));
    expect(delivered.flatMap((event) => (event.type === "delta" ? [event.delta] : []))).toEqual([
      { type: "thinking", text: "hm", part_index: 0 },
      { type: "text", text: "a", part_index: 0, logprobs: [{ token: "a", logprob: -0.5 }] },
      { type: "tool_call", input: "", part_index: 0, id: "1", name: "f" },
      { type: "tool_call", input: '{"x"', part_index: 0 },
      { type: "tool_call", input: '{"y":2}', part_index: 1, id: "2", name: "g" },
      { type: "tool_call", input: ":1}", part_index: 0 },
    ]);
    expect(delivered.at(-1)).toEqual({ type: "end", finish_reason: "tool_call", usage: {} });
  });

  it("hands over a refusal as text", async () => {
    await using server = await startChatServer(
      (response) => void eventStream(response).end(sse(chunk({ refusal: "no" }), finish("stop"))),
    );
    expect((await read(stream({ baseURL: server.baseURL }))).delivered[1]).toEqual(text("no"));
  });

  it.each([
    ["without [DONE]", sse(chunk({ content: "4" }), finish("length")), "length"],
    ["without a finish reason", sse(chunk({ content: "4" }), "[DONE]"), "stop"],
  ])("may end %s", async (_how, body, finish_reason) => {
    await using server = await startChatServer((response) => void eventStream(response).end(body));
    expect(await read(stream({ baseURL: server.baseURL }))).toEqual({
      delivered: [start, text("4"), { type: "end", finish_reason, usage: {} }],
    });
  });

  it("is over with [DONE], whatever the server does then, and leaves its connection to later requests", async () => {
    const sockets = new Set<unknown>();
    await using server = await startChatServer((response) => {
      sockets.add(response.socket);
      eventStream(response).write(answer);
      setTimeout(() => response.end(), 5);
    });
    await using endless = await startChatServer((response) => void eventStream(response).write(answer));
    for (let i = 0; i < 8; i += 1) await read(stream({ baseURL: server.baseURL }));
    expect(sockets.size).toBeLessThanOrEqual(2); // fetch takes turns between two
    expect(await read(stream({ baseURL: endless.baseURL }))).toEqual({ delivered: events });
  });

  it("comes in whole parts from a server that does not stream", async () => {
    const logprobs = { content: [{ token: "a", logprob: -0.5 }] };
    const message = {
      reasoning_content: "hm",
      content: "42",
      refusal: "no",
      tool_calls: [{ id: "1", function: { name: "f", arguments: '{"x":1}' } }],
    };
    await using server = await startChatServer((response) =>
      json(response, 200, {
        id: "c1",
        model: "m-2",
        choices: [{ message, logprobs, finish_reason: "stop" }],
      }),
    );
    expect(await read(stream({ baseURL: server.baseURL }))).toEqual({
      delivered: [
        start,
        { type: "delta", delta: { type: "thinking", text: "hm", part_index: 0 } },
        {
          type: "delta",
          delta: { type: "text", text: "42", part_index: 1, logprobs: [{ token: "a", logprob: -0.5 }] },
        },
        { type: "delta", delta: { type: "text", text: "no", part_index: 2 } },
        { type: "delta", delta: { type: "tool_call", input: '{"x":1}', part_index: 3, id: "1", name: "f" } },
        { type: "end", finish_reason: "tool_call", usage: {} },
      ],
    });
  });

  it("fails as a whole one when the server refuses the request", async () => {
    await using server = await startChatServer((response) => json(response, 429, {}, { "retry-after": "2" }));
    expect(await read(stream({ baseURL: server.baseURL }))).toMatchObject({
      delivered: [],
      error: { code: "ERR_LM_RATE_LIMIT", retryable: true, details: { status: 429, retryAfterMs: 2_000 } },
    });
  });

  it.each<[unknown, string, boolean]>([
    [{ message: "oops" }, "ERR_LM_SERVER", true],
    ["oops", "ERR_LM_SERVER", true],
    [{ message: "slow down", code: "rate_limit_exceeded" }, "ERR_LM_RATE_LIMIT", true],
    [{ message: "slow down", code: 429 }, "ERR_LM_RATE_LIMIT", true],
    [{ message: "context window is full", code: 400 }, "ERR_LM_CONTEXT_LENGTH", false],
  ])("fails with what the server reports on the way: %j", async (reported, code, retryable) => {
    await using server = await startChatServer(
      (response) =>
        void eventStream(response).end(sse(chunk({ content: "4" }), { error: reported, choices: [] })),
    );
    const { delivered, error } = await read(stream({ baseURL: server.baseURL }));
    expect(delivered).toEqual([start, text("4")]);
    expect(error).toMatchObject({ code, retryable, details: { status: 200 } });
    expect(error!.message).toContain("/chat/completions broke off its answer");
  });

  it.each<[string, string]>([
    [sse("{"), "an event of it is not a JSON object"],
    [sse(chunk({ tool_calls: [{ index: 0, function: { arguments: "{}" } }] })), "a tool call has no name"],
  ])("refuses %j", async (body, problem) => {
    await using server = await startChatServer((response) => void eventStream(response).end(body));
    const { error } = await read(stream({ baseURL: server.baseURL }));
    expect(error).toMatchObject({ code: "ERR_LM_INVALID_REPLY", retryable: false });
    expect(error!.message).toContain(problem);
  });

  it("G11: masks secrets that the server repeats on the way", async () => {
    for (const body of [sse({ error: { message: `bad key ${canary}` } }), sse(`"${canary}"`)]) {
      await using server = await startChatServer((response) => void eventStream(response).end(body));
      const { error } = await read(stream({ baseURL: server.baseURL, apiKey: canary }));
      expect(inspect(error, { depth: 20, showHidden: true })).toContain("[redacted]");
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain(canary);
    }
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ["breaks", (response) => void response.socket!.destroy()],
    ["ends", (response) => void response.end()],
  ])("says so when the connection %s in the middle", async (_how, cut) => {
    await using server = await startChatServer((response) => {
      begin(response);
      onFirst = () => cut(response);
    });
    let onFirst = (): void => {};
    const { delivered, error } = await read(stream({ baseURL: server.baseURL }), (event) => {
      if (event.type === "delta") onFirst();
    });
    expect(delivered).toEqual([start, text("4")]);
    expect(error).toMatchObject({ code: "ERR_LM_TRANSPORT", retryable: true });
  });

  it("G3: an abort in the middle ends the request at the server", async () => {
    await using server = await startChatServer(begin);
    const controller = new AbortController();
    const { delivered, error } = await read(
      stream({ baseURL: server.baseURL }, controller.signal),
      (event) => {
        if (event.type === "delta") setImmediate(() => controller.abort());
      },
    );
    expect(delivered).toEqual([start, text("4")]);
    expect(error).toMatchObject({ code: "ERR_CANCELLED" });
    while (server.hungUp === 0) await turn();
  });

  it("G3: an abort that finds the reader busy ends the request too, and the reader learns it at its next step", async () => {
    await using server = await startChatServer(begin);
    const controller = new AbortController();
    const reader = stream({ baseURL: server.baseURL }, controller.signal)[Symbol.asyncIterator]();
    await reader.next();
    controller.abort();
    while (server.hungUp === 0) await turn();
    await reader.next(); // had come before
    await expect(reader.next()).rejects.toMatchObject({ code: "ERR_CANCELLED" });
  });

  it("leaving the loop early ends the request at the server", async () => {
    await using server = await startChatServer(begin);
    for await (const event of stream({ baseURL: server.baseURL })) if (event.type === "delta") break;
    while (server.hungUp === 0) await turn();
  });

  it("sends nothing before it is read, nor when it is aborted already", async () => {
    await using server = await startChatServer(begin);
    stream({ baseURL: server.baseURL });
    const deadline = new DspexError("ERR_DEADLINE_EXCEEDED", "late", {
      details: { timeoutMs: 1, where: "" },
    });
    const { error } = await read(stream({ baseURL: server.baseURL }, AbortSignal.abort(deadline)));
    expect(error).toBe(deadline);
    expect(server.seen).toHaveLength(0);
  });

  it("gives up when the next piece does not come in time; the time that its reader takes does not count", async () => {
    await using server = await startChatServer(begin);
    const reader = stream({ baseURL: server.baseURL, timeoutMs: 500 })[Symbol.asyncIterator]();
    await reader.next();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await reader.next()).toMatchObject({ value: text("4") });
    await expect(reader.next()).rejects.toMatchObject({ code: "ERR_LM_TIMEOUT", retryable: true });
    while (server.hungUp === 0) await turn();
  });

  it("G4: takes no more text, and no larger event, than it may, and reads a slow server no faster than it is read", async () => {
    const piece = sse(chunk({ content: "x".repeat(100) }));
    let written = 0;
    await using server = await startChatServer((response) => {
      eventStream(response);
      const more = (): void => {
        while (!response.destroyed) {
          written += piece.length;
          if (!response.write(piece)) return void response.once("drain", more);
        }
      };
      more();
    });
    const { delivered, error } = await read(stream({ baseURL: server.baseURL, maxResponseBytes: 10_000 }));
    expect(error).toMatchObject({ code: "ERR_LM_INVALID_REPLY" });
    expect(error!.message).toContain("larger than 10000 bytes");
    expect(delivered).toHaveLength(101);

    const reader = stream({ baseURL: server.baseURL })[Symbol.asyncIterator]();
    await reader.next();
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(written).toBeLessThan(2 ** 26);
    await reader.return!();

    await using long = await startChatServer(
      (response) => void eventStream(response).write(`data: ${"x".repeat(20_000)}`),
    );
    expect(await read(stream({ baseURL: long.baseURL, maxResponseBytes: 10_000 }))).toMatchObject({
      error: { code: "ERR_LM_INVALID_REPLY" },
    });
  });
});
