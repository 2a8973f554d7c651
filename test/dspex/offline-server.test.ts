import { afterEach, describe, expect, it } from "@jest/globals";
import { createManualClock } from "@dspex/core";
import { http } from "@dspex/lm";
import { createOfflineServer, type OfflineServer } from "../../packages/dspex/src/demo/offline-server.ts";
import { classifyPrompt, fieldsOf } from "./dspy-prompts.ts";

interface Chunk {
  readonly id: string;
  readonly choices: readonly { readonly delta: { readonly content?: string } }[];
}

const prompt = classifyPrompt({ ticket: "The app shows an error.", language: "en" });
let server: OfflineServer;
const start = async (options = {}) => (server = await createOfflineServer(options));
afterEach(() => server.close());

const completions = "/chat/completions";
const send = (init: RequestInit = {}, path = completions) =>
  fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${server.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(prompt),
    ...init,
  });

describe("the server of the offline rules", () => {
  it("answers a chat completion as OpenAI's API does, and counts it", async () => {
    await start();
    const response = await send();
    const completion = (await response.json()) as Parameters<typeof fieldsOf>[0];
    expect(response.status).toBe(200);
    expect(completion).toMatchObject({
      id: expect.any(String),
      object: "chat.completion",
      created: expect.any(Number),
      model: "offline-rules",
      choices: [{ index: 0, message: { role: "assistant" }, finish_reason: "stop" }],
    });
    expect(fieldsOf(completion)["category"]).toBe("technical");
    expect(server.requests()).toBe(1);
  });

  it("G11: listens on loopback only and wants its token", async () => {
    await start();
    expect(new URL(server.url).hostname).toBe("127.0.0.1");
    expect((await send({ headers: {} })).status).toBe(401);
    expect((await send({ headers: { authorization: "Bearer guess" } })).status).toBe(401);
    expect(server.requests()).toBe(0);
  });

  it.each<[string, number, RequestInit, string]>([
    ["another path", 404, {}, "/embeddings"],
    ["another method", 405, { method: "PUT" }, completions],
    ["a body that is not JSON", 400, { body: "{" }, completions],
    ["a body that is no prompt of DSPy's", 400, { body: JSON.stringify({ messages: [] }) }, completions],
    ["a body beyond the limit", 413, { body: " ".repeat(1_048_577) }, completions],
  ])("answers %s with %i and OpenAI's error body", async (_, status, init, path) => {
    await start();
    const response = await send(init, path);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: "invalid_request_error", param: null, code: null },
    });
  });

  it("takes its time, which may change while it runs", async () => {
    const clock = createManualClock();
    await start({ clock, latencyMs: 50 });
    const first = send();
    await until(() => clock.pending === 1);
    server.setLatencyMs(0);
    expect((await send()).status).toBe(200);
    clock.advance(49);
    expect(server.requests()).toBe(1);
    clock.advance(1);
    expect((await first).status).toBe(200);
  });

  const streamed = (more: object = {}) =>
    send({ body: JSON.stringify({ ...prompt, stream: true, ...more }) });

  it("streams the same answer as server-sent events, when it is asked to", async () => {
    await start();
    const whole = (await (await send()).json()) as { choices: [{ message: { content: string } }] };
    const response = await streamed({ stream_options: { include_usage: true } });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const data = (await response.text()).split("\n\n").map((event) => event.replace(/^data: /, ""));
    expect(data.splice(-2)).toEqual(["[DONE]", ""]);
    const chunks = data.map((each) => JSON.parse(each) as Chunk);
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks.at(-1)).toMatchObject({ object: "chat.completion.chunk", choices: [], usage: {} });
    expect(chunks.at(-2)!.choices[0]).toEqual({ index: 0, delta: {}, finish_reason: "stop" });
    const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? ""));
    expect(deltas.join("")).toBe(whole.choices[0].message.content);
    expect(Math.max(...deltas.map((delta) => delta.length))).toBeLessThan(20);
    expect(await (await streamed()).text()).not.toContain("usage");
    expect(server.requests()).toBe(3);
  });

  it("spreads a streamed answer over its latency", async () => {
    const clock = createManualClock();
    await start({ clock, latencyMs: 1_000 });
    const asking = streamed();
    await until(() => clock.pending === 1);
    clock.advance(400);
    const reader = (await asking).body!.getReader();
    const decoder = new TextDecoder();
    let text = "";
    const read = async () => {
      const { value, done } = await reader.read();
      text += decoder.decode(value);
      return done;
    };
    while (!text.includes("assistant")) await read();
    await until(() => clock.pending === 1);
    expect(text).not.toContain("[DONE]");
    clock.advance(599);
    await until(() => clock.pending === 1);
    expect(server.requests()).toBe(0);
    clock.advance(1);
    while (!(await read()));
    expect(text).toContain("[DONE]");
    expect(server.requests()).toBe(1);
  });

  it("can be reached by the http adapter, streamed or not, also when there are two of it", async () => {
    await start();
    await using other = await createOfflineServer();
    const request = {
      model: "m",
      messages: prompt.messages.slice(1).map(({ content }) => ({
        role: "user" as const,
        parts: [{ type: "text" as const, text: content }],
      })),
      system: prompt.messages[0]!.content,
    };
    const { signal } = new AbortController();
    for (const { url: baseURL, apiKey } of [server, other]) {
      const adapter = http({ model: "m", baseURL, apiKey });
      const { message } = await adapter.complete(request, { signal });
      let text = "";
      for await (const event of adapter.stream!(request, { signal }))
        if (event.type === "delta" && event.delta.type === "text") text += event.delta.text;
      expect(message.parts).toEqual([{ type: "text", text }]);
    }
    expect([server.requests(), other.requests()]).toEqual([2, 2]);
  });

  it("answers what waits when it is closed, and may be closed again", async () => {
    const clock = createManualClock();
    await start({ clock, latencyMs: 60_000 });
    const waiting = send();
    await until(() => clock.pending === 1);
    await Promise.all([server.close(), server.close()]);
    expect((await waiting).status).toBe(200);
    expect(clock.pending).toBe(0);
    await expect(send()).rejects.toThrow();
  });

  it("ends a stream at once when it is closed", async () => {
    const clock = createManualClock();
    await start({ clock, latencyMs: 60_000 });
    const asking = streamed();
    await until(() => clock.pending === 1);
    await server.close();
    expect(await (await asking).text()).toContain("[DONE]");
  });

  it("survives a caller that leaves before the answer", async () => {
    const clock = createManualClock();
    await start({ clock, latencyMs: 50 });
    const controller = new AbortController();
    const left = send({ signal: controller.signal });
    await until(() => clock.pending === 1);
    controller.abort();
    await expect(left).rejects.toThrow("aborted");
    clock.advance(50);
    server.setLatencyMs(0);
    expect((await send()).status).toBe(200);
  });

  it("comes back on the port and with the token that it is given", async () => {
    await start();
    const { port } = new URL(server.url);
    const { apiKey } = server;
    await server.close();
    await start({ port: Number(port), apiKey });
    expect((await send()).status).toBe(200);
    await expect(createOfflineServer({ port: Number(port) })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("refuses a port or a latency that is none, with the value", async () => {
    await start();
    await expect(createOfflineServer({ port: -1 })).rejects.toThrow("received -1");
    expect(() => server.setLatencyMs(Number.NaN)).toThrow("received NaN");
  });
});

/** Waits for a condition that other turns of the event loop bring about. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
