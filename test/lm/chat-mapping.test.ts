import { describe, expect, it } from "@jest/globals";
import { http, type LmConfig, type LmPart, type LmRequest, type LmResponse } from "@dspex/lm";
import { completion, json, startChatServer } from "./chat-server.ts";

const signal = new AbortController().signal;

/** The body that reaches the server. */
async function sent(request: Partial<LmRequest>): Promise<Record<string, unknown>> {
  await using server = await startChatServer((response) => json(response, 200, completion({ content: "" })));
  await http({ model: "m", baseURL: server.baseURL }).complete(
    { model: "x", messages: [], ...request },
    { signal },
  );
  return server.seen[0]!.body;
}

/** What a program gets for a body. */
async function received(body: object): Promise<LmResponse> {
  await using server = await startChatServer((response) => json(response, 200, body));
  return await http({ model: "m", baseURL: server.baseURL }).complete(
    { model: "x", messages: [] },
    { signal },
  );
}

const user = (...parts: LmPart[]): Partial<LmRequest> => ({ messages: [{ role: "user", parts }] });

describe("a request as a chat completion", () => {
  it("keeps the turns of a conversation with tools", async () => {
    const body = await sent({
      system: [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ],
      messages: [
        { role: "developer", parts: [{ type: "text", text: "obey" }] },
        { role: "user", parts: [{ type: "text", text: "weather?" }] },
        {
          role: "assistant",
          parts: [
            { type: "thinking", text: "hm" },
            { type: "tool_call", id: "1", name: "weather", input: { city: "Rome" } },
          ],
        },
        {
          role: "tool",
          parts: [
            { type: "tool_result", id: "1", content: [{ type: "text", text: "sunny" }] },
            { type: "tool_result", id: "2", content: [{ type: "text", text: "down" }], is_error: true },
          ],
        },
        { role: "assistant", parts: [{ type: "text", text: "Sunny." }] },
      ],
      tools: [
        { type: "function", name: "weather", description: "of a city", parameters: { type: "object" } },
      ],
    });
    expect(body).toEqual({
      model: "m",
      messages: [
        { role: "system", content: "a\nb" },
        { role: "system", content: "obey" },
        { role: "user", content: "weather?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "1", type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } },
          ],
        },
        { role: "tool", tool_call_id: "1", content: "sunny" },
        { role: "tool", tool_call_id: "2", content: "[error] down" },
        { role: "assistant", content: "Sunny." },
      ],
      tools: [
        {
          type: "function",
          function: { name: "weather", description: "of a city", parameters: { type: "object" } },
        },
      ],
    });
  });

  it("carries images as URLs", async () => {
    const { messages } = await sent(
      user(
        { type: "text", text: "what is it?" },
        { type: "image", media_type: "image/png", data: "aGk=", detail: "low" },
        { type: "image", media_type: "image/png", url: "https://example.org/a.png" },
      ),
    );
    expect(messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "what is it?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,aGk=", detail: "low" } },
          { type: "image_url", image_url: { url: "https://example.org/a.png" } },
        ],
      },
    ]);
  });

  it.each<[LmConfig, Record<string, unknown>]>([
    [
      {
        temperature: 0,
        top_p: 0.5,
        top_k: 3,
        seed: 0,
        stop: ["a"],
        frequency_penalty: 0,
        presence_penalty: 1,
      },
      {
        temperature: 0,
        top_p: 0.5,
        top_k: 3,
        seed: 0,
        stop: ["a"],
        frequency_penalty: 0,
        presence_penalty: 1,
      },
    ],
    [
      { max_tokens: 5, user_id: "u", store: false },
      { max_tokens: 5, user: "u", store: false },
    ],
    [{ logprobs: 0 }, { logprobs: true }],
    [{ logprobs: 2 }, { logprobs: true, top_logprobs: 2 }],
    [{ reasoning: { effort: "low" } }, { reasoning_effort: "low" }],
    [{ reasoning: { effort: "off" } }, { reasoning_effort: "none" }],
    [{ response_format: { type: "json_object" } }, { response_format: { type: "json_object" } }],
    [
      { response_format: { type: "json_schema", schema: { type: "object" }, name: "o", strict: true } },
      {
        response_format: {
          type: "json_schema",
          json_schema: { name: "o", strict: true, schema: { type: "object" } },
        },
      },
    ],
    [
      { response_format: { type: "json_schema", schema: {} } },
      { response_format: { type: "json_schema", json_schema: { name: "response", schema: {} } } },
    ],
    [{ tool_choice: { mode: "required" } }, { tool_choice: "required" }],
    [{ tool_choice: { parallel: false } }, { tool_choice: "auto", parallel_tool_calls: false }],
    [
      { tool_choice: { mode: "required", allowed: ["f"] } },
      { tool_choice: { type: "function", function: { name: "f" } } },
    ],
    [
      { tool_choice: { mode: "auto", allowed: ["f"] } },
      {
        tool_choice: {
          type: "allowed_tools",
          allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "f" } }] },
        },
      },
    ],
    [{ extensions: { logit_bias: { "1": 2 }, model: "other" } }, { logit_bias: { "1": 2 } }],
  ])("sends the parameters %j as %j", async (config, expected) => {
    expect(await sent({ config })).toEqual({ model: "m", messages: [], ...expected });
  });

  it.each<[string, Partial<LmRequest>]>([
    ["A part of type audio", user({ type: "audio", media_type: "audio/wav", data: "aGk=" })],
    ["A part of type document", user({ type: "document", media_type: "application/pdf", file_id: "f" })],
    [
      "An image that is neither data nor a URL",
      user({ type: "image", media_type: "image/png", file_id: "f" }),
    ],
    ["The builtin tool", { tools: [{ type: "builtin", name: "web_search" }] }],
    ['The parameter "cache"', { config: { cache: { mode: "off" } } }],
    ["A thinking budget", { config: { reasoning: { thinking_budget: 100 } } }],
  ])("refuses what it cannot carry: %s", async (what, request) => {
    await expect(sent(request)).rejects.toMatchObject({
      code: "ERR_LM_UNSUPPORTED_FEATURE",
      message: expect.stringContaining(what),
    });
  });
});

describe("a chat completion as a response", () => {
  it("holds thinking, text, refusal and tool calls in this order", async () => {
    const { message, finish_reason } = await received(
      completion({
        refusal: "no",
        reasoning_content: "hm",
        content: [{ type: "text", text: "a" }, { type: "other" }, { type: "text", text: "b" }],
        tool_calls: [
          { id: "1", function: { name: "f", arguments: '{"x":1}' } },
          { function: { name: "g", arguments: "not JSON" } },
          { id: "3", function: { name: "h", arguments: "[1]" } },
        ],
      }),
    );
    expect(message.parts).toEqual([
      { type: "thinking", text: "hm" },
      { type: "text", text: "a" },
      { type: "text", text: "b" },
      { type: "refusal", text: "no" },
      { type: "tool_call", id: "1", name: "f", input: { x: 1 } },
      { type: "tool_call", id: "call_5", name: "g", input: { partial_json: "not JSON" } },
      { type: "tool_call", id: "3", name: "h", input: { value: [1] } },
    ]);
    expect(finish_reason).toBe("tool_call");
  });

  it.each([
    ["stop", "stop"],
    ["length", "length"],
    ["tool_calls", "tool_call"],
    ["content_filter", "content_filter"],
    ["eos", "stop"],
    [null, "stop"],
  ])("maps the finish reason %j to %s", async (finish_reason, expected) => {
    const body = { choices: [{ message: { content: "x" }, finish_reason }] };
    expect((await received(body)).finish_reason).toBe(expected);
  });

  it("has one empty text when there is no content, and the adapter's model when none is named", async () => {
    expect(await received({ choices: [{ message: { content: null } }] })).toEqual({
      id: null,
      model: "m",
      message: { role: "assistant", parts: [{ type: "text", text: "" }] },
      finish_reason: "stop",
      usage: {},
    });
  });

  it("counts only the tokens that were reported", async () => {
    const { usage } = await received(
      completion(
        { content: "x" },
        {
          usage: {
            prompt_tokens: 10,
            completion_tokens: 0,
            total_tokens: null,
            prompt_tokens_details: { cached_tokens: 4 },
            completion_tokens_details: { reasoning_tokens: 3 },
          },
        },
      ),
    );
    expect(usage).toEqual({ input_tokens: 10, output_tokens: 0, cache_read_tokens: 4, reasoning_tokens: 3 });
  });

  it("keeps log probabilities", async () => {
    const token = { token: "a", logprob: -0.1, bytes: [97] };
    const content = [
      { ...token, top_logprobs: [token, { token: "b", logprob: -2, bytes: null }] },
      { bad: true },
    ];
    const { logprobs } = await received({ choices: [{ message: { content: "a" }, logprobs: { content } }] });
    expect(logprobs).toEqual([{ ...token, top: [token, { token: "b", logprob: -2 }] }]);
  });
});
