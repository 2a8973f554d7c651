import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { DspexError } from "@dspex/core";
import { http, type HttpOptions, type LmRequest } from "@dspex/lm";
import { completion, json, startChatServer, turn } from "./chat-server.ts";

const request: LmRequest = {
  model: "default",
  system: "Answer.",
  messages: [{ role: "user", parts: [{ type: "text", text: "What?" }] }],
  config: { temperature: 0.2, max_tokens: 100 },
};

const never = () => new AbortController().signal;

function ask(options: Omit<HttpOptions, "model">, signal = never(), asked = request) {
  return http({ model: "m", ...options }).complete(asked, { signal });
}

async function failure(asking: Promise<unknown>): Promise<DspexError> {
  const error: unknown = await asking.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (DspexError.is(error)) return error;
  throw new Error(`expected a DspexError, got ${inspect(error)}`);
}

/** Secrets are looked for wherever an error may end up. */
const canary = "sk-canary-0123456789";
function everything(error: DspexError): string {
  return [
    error.message,
    error.stack,
    JSON.stringify(error),
    inspect(error, { depth: 20, showHidden: true }),
  ].join("\n");
}

describe("the http adapter", () => {
  it("sends a chat completion and returns its text, finish reason and usage", async () => {
    await using server = await startChatServer((response) =>
      json(
        response,
        200,
        completion(
          { role: "assistant", content: "42" },
          { usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 } },
        ),
      ),
    );
    const reply = await ask({
      baseURL: server.baseURL,
      apiKey: () => canary,
      headers: { "x-team": "blue-team" },
    });
    expect(reply).toEqual({
      id: "c1",
      model: "m-2",
      message: { role: "assistant", parts: [{ type: "text", text: "42" }] },
      finish_reason: "stop",
      usage: { input_tokens: 7, output_tokens: 2, total_tokens: 9 },
    });
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({
      url: "/v1/chat/completions",
      headers: {
        authorization: `Bearer ${canary}`,
        "content-type": "application/json",
        "x-team": "blue-team",
      },
      body: {
        model: "m",
        messages: [
          { role: "system", content: "Answer." },
          { role: "user", content: "What?" },
        ],
        temperature: 0.2,
        max_tokens: 100,
      },
    });
  });

  it("sends no authorization when it has no key, and keeps the query of the base URL", async () => {
    await using server = await startChatServer((response) =>
      json(response, 200, completion({ content: "" })),
    );
    await ask({ baseURL: `${server.baseURL}/?api-version=7` });
    expect(server.seen[0]!.url).toBe("/v1/chat/completions?api-version=7");
    expect(server.seen[0]!.headers.authorization).toBeUndefined();
  });

  it.each<[number, object, string, boolean]>([
    [400, { error: { message: "bad parameter", code: null } }, "ERR_LM_INVALID_REQUEST", false],
    [
      400,
      { error: { message: "too long", code: "context_length_exceeded" } },
      "ERR_LM_CONTEXT_LENGTH",
      false,
    ],
    [400, { message: "This model's maximum context length is 4096 tokens." }, "ERR_LM_CONTEXT_LENGTH", false],
    [401, { error: { message: "who?", code: "invalid_api_key" } }, "ERR_LM_AUTH", false],
    [402, { error: "no credit" }, "ERR_LM_BILLING", false],
    [403, {}, "ERR_LM_AUTH", false],
    [404, { error: { code: "model_not_found" } }, "ERR_LM_UNSUPPORTED_MODEL", false],
    [404, { detail: "Not Found" }, "ERR_LM_INVALID_REQUEST", false],
    [408, {}, "ERR_LM_TIMEOUT", true],
    [429, { error: { message: "slow down", code: "rate_limit_exceeded" } }, "ERR_LM_RATE_LIMIT", true],
    [429, { error: { message: "pay", code: "insufficient_quota" } }, "ERR_LM_BILLING", false],
    [500, { error: { message: "oops" } }, "ERR_LM_SERVER", true],
    [503, {}, "ERR_LM_SERVER", true],
    [504, {}, "ERR_LM_TIMEOUT", true],
    [307, {}, "ERR_LM_INVALID_REQUEST", false],
  ])("answers HTTP %i %j with %s, retryable %p", async (status, body, code, retryable) => {
    await using server = await startChatServer((response) =>
      json(response, status, body, { "x-request-id": "req-1", location: "http://127.0.0.1:1/elsewhere" }),
    );
    const error = await failure(ask({ baseURL: server.baseURL, apiKey: canary }));
    expect(error).toMatchObject({
      code,
      retryable,
      details: { endpoint: `${server.baseURL}/chat/completions`, status, requestId: "req-1" },
    });
    expect(error.message).toContain(`${server.baseURL}/chat/completions answered ${status}`);
    expect(everything(error)).not.toContain(canary);
    expect(server.seen).toHaveLength(1);
  });

  it.each<[string, Record<string, string>, number | undefined]>([
    ["seconds", { "retry-after": "2" }, 2_000],
    ["milliseconds", { "retry-after-ms": "150", "retry-after": "1" }, 150],
    [
      "a date",
      { "retry-after": "Tue, 01 Jul 2025 10:00:30 GMT", date: "Tue, 01 Jul 2025 10:00:00 GMT" },
      30_000,
    ],
    ["nonsense", { "retry-after": "soon" }, undefined],
    ["nothing", {}, undefined],
  ])("reads how long to wait from %s", async (_form, headers, retryAfterMs) => {
    await using server = await startChatServer((response) => json(response, 429, {}, headers));
    const error = await failure(ask({ baseURL: server.baseURL }));
    expect((error.details as { retryAfterMs?: number }).retryAfterMs).toBe(retryAfterMs);
  });

  it("G11: masks the key, headers and query even where the endpoint repeats them", async () => {
    const header = "header-canary-42";
    const query = "query-canary-42";
    await using server = await startChatServer((response, { headers, url }) =>
      json(response, 401, {
        error: {
          message: `Incorrect key: ${headers.authorization} ${String(headers["x-secret"])} ${url}`,
          code: canary,
        },
      }),
    );
    const error = await failure(
      ask({ baseURL: `${server.baseURL}?key=${query}`, apiKey: canary, headers: { "x-secret": header } }),
    );
    expect(error.message).toContain("Incorrect key: Bearer [redacted] [redacted]");
    for (const secret of [canary, header, query]) expect(everything(error)).not.toContain(secret);
  });

  it.each([[""], ["line break at the end\n"], [`${canary}\n`], [undefined]])(
    "G11: refuses the key %j before anything is sent, without repeating it",
    async (key) => {
      await using server = await startChatServer((response) =>
        json(response, 200, completion({ content: "" })),
      );
      const error = await failure(ask({ baseURL: server.baseURL, apiKey: () => key }));
      expect(error.code).toBe("ERR_LM_NOT_CONFIGURED");
      expect(everything(error)).not.toContain("line break at the end");
      expect(everything(error)).not.toContain(canary);
      expect(server.seen).toHaveLength(0);
    },
  );

  it("G3: an abort ends the request at the server", async () => {
    await using server = await startChatServer(() => {}); // never answers
    const controller = new AbortController();
    const asking = failure(ask({ baseURL: server.baseURL, apiKey: canary }, controller.signal));
    while (server.seen.length === 0) await turn();
    controller.abort(new Error("not needed any more"));
    const error = await asking;
    expect(error).toMatchObject({ code: "ERR_CANCELLED", retryable: false });
    expect(error.cause).toBe(controller.signal.reason);
    while (server.hungUp === 0) await turn();
  });

  it("reports the deadline that aborted it, and sends nothing when it is aborted already", async () => {
    await using server = await startChatServer(() => {});
    const deadline = new DspexError("ERR_DEADLINE_EXCEEDED", "late", {
      details: { timeoutMs: 1, where: "" },
    });
    expect(await failure(ask({ baseURL: server.baseURL }, AbortSignal.abort(deadline)))).toBe(deadline);
    expect(server.seen).toHaveLength(0);
  });

  it.each([
    ["the head", () => {}],
    [
      "the rest",
      (response: ServerResponse) => {
        response.writeHead(200).write("{");
      },
    ],
  ])("gives up when %s of the answer does not come in time", async (_part, answer) => {
    await using server = await startChatServer(answer);
    const error = await failure(ask({ baseURL: server.baseURL, timeoutMs: 50 }));
    expect(error).toMatchObject({ code: "ERR_LM_TIMEOUT", retryable: true });
    expect(error.message).toContain("within 50 ms");
  });

  it("says so when nobody listens", async () => {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as { port: number };
    probe.close();
    await once(probe, "close");
    const error = await failure(ask({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: canary }));
    expect(error).toMatchObject({ code: "ERR_LM_TRANSPORT", retryable: true });
    expect(error.message).toContain(`http://127.0.0.1:${port}/v1/chat/completions cannot be reached`);
    expect(error.message).toContain("ECONNREFUSED");
    expect(everything(error)).not.toContain(canary);
  });

  it("says so when the connection breaks", async () => {
    await using server = await startChatServer((response) => void response.socket!.destroy());
    expect(await failure(ask({ baseURL: server.baseURL }))).toMatchObject({
      code: "ERR_LM_TRANSPORT",
      retryable: true,
    });
  });

  it.each([
    ["<html>gateway</html>", 'it is not a JSON object; it starts with "<html>gateway</html>"'],
    ['{"choices":[', "it is not a JSON object"],
    ["[]", "it is not a JSON object"],
    ["{}", "it has no choices[0].message"],
    ['{"choices":[]}', "it has no choices[0].message"],
    ['{"choices":[{"message":{"tool_calls":[{"function":{}}]}}]}', "a tool call has no name"],
    [`{"key":"${canary}"}`, "it has no choices[0].message"],
  ])("refuses the answer %s", async (text, problem) => {
    await using server = await startChatServer((response) => void response.end(text));
    const error = await failure(ask({ baseURL: server.baseURL, apiKey: canary }));
    expect(error).toMatchObject({ code: "ERR_LM_INVALID_REPLY", retryable: false, details: { status: 200 } });
    expect(error.message).toContain(problem);
    expect(everything(error)).not.toContain(canary);
  });

  it("G4: reads no more of an answer than it may, whether its length is announced or not", async () => {
    let written = 0;
    await using server = await startChatServer((response) => {
      const piece = Buffer.alloc(65_536, " ");
      const more = (): void => {
        while (!response.destroyed && written < 2 ** 28) {
          written += piece.length;
          if (!response.write(piece)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const error = await failure(ask({ baseURL: server.baseURL, maxResponseBytes: 100_000 }));
    expect(error.code).toBe("ERR_LM_INVALID_REPLY");
    expect(error.message).toContain("larger than 100000 bytes");
    while (server.hungUp === 0) await turn();
    expect(written).toBeLessThan(2 ** 28);
  });

  it("takes an answer of exactly the largest size, in any pieces", async () => {
    const text = JSON.stringify(completion({ content: "é🙂" }));
    const bytes = Buffer.from(text);
    await using server = await startChatServer(async (response) => {
      for (const byte of bytes) {
        response.write(Buffer.of(byte));
        await turn();
      }
      response.end();
    });
    const { message } = await ask({ baseURL: server.baseURL, maxResponseBytes: bytes.length });
    expect(message.parts).toEqual([{ type: "text", text: "é🙂" }]);
    expect(await failure(ask({ baseURL: server.baseURL, maxResponseBytes: bytes.length - 1 }))).toMatchObject(
      {
        code: "ERR_LM_INVALID_REPLY",
      },
    );
  });

  it.each<[string, Partial<HttpOptions>]>([
    ["model", { model: "" }],
    ["baseURL", { baseURL: "localhost:8000" }],
    ["baseURL", { baseURL: `http://user:${canary}@localhost/v1` }],
    ["timeoutMs", { timeoutMs: 0 }],
    ["maxResponseBytes", { maxResponseBytes: 1.5 }],
    ["headers", { headers: { "x-secret": `a\n${canary}` } }],
  ])("refuses a bad %s, without repeating secrets", (option, bad) => {
    try {
      http({ model: "m", ...bad });
    } catch (error) {
      expect(error).toMatchObject({ code: "ERR_INVALID_OPTION", details: { option } });
      return expect(everything(error as DspexError)).not.toContain(canary);
    }
    throw new Error("accepted");
  });

  it("G11: shows no secret of its own", () => {
    const adapter = http({ model: "m", apiKey: canary, headers: { "x-secret": canary } });
    expect(inspect(adapter, { depth: 20, showHidden: true }) + JSON.stringify(adapter)).not.toContain(canary);
    expect(adapter.id).toBe("m at https://api.openai.com/v1/chat/completions");
  });
});
