import { spawnSync } from "node:child_process";
import { describe, expect, it } from "@jest/globals";
import { http, type LmRequest, type LmResponse } from "@dspex/lm";
import { findEnvironment } from "@dspex/python-bridge/environment";
import { json, startChatServer } from "./chat-server.ts";

/** DSPy's own reading of the bodies of chat completions, in its JSON form; responses also through its reader for ours. */
const script = `
import json, sys
from dspy._vendor.lm15 import serde
from dspy._vendor.lm15.providers.openai_chat import request_from_openai_chat, response_from_openai_chat

asked = json.load(sys.stdin)
json.dump({
    "requests": [serde.request_to_dict(request_from_openai_chat(body)) for body in asked["requests"]],
    "responses": [serde.response_to_dict(response_from_openai_chat(body, model="m")) for body in asked["responses"]],
    "ours": [serde.response_to_dict(serde.response_from_dict(response)) for response in asked["ours"]],
}, sys.stdout)
`;

interface Readings {
  readonly requests: LmRequest[];
  readonly responses: LmResponse[];
  readonly ours: LmResponse[];
}

function dspy(asked: { requests: object[]; responses: object[]; ours: object[] }): Readings {
  const environment = findEnvironment();
  if (environment === undefined)
    throw new Error("There is no Python environment yet: run `npx dspex setup`.");
  const input = JSON.stringify(asked);
  const python = spawnSync(environment.python, ["-c", script], { input, encoding: "utf8" });
  if (python.status !== 0) throw new Error(python.stderr);
  return JSON.parse(python.stdout) as Readings;
}

const signal = new AbortController().signal;
const weather = {
  type: "function",
  function: { name: "f", description: "d", parameters: { type: "object" } },
};
const hi = [{ role: "user", content: "hi" }];

const requests: Record<string, unknown>[] = [
  { messages: hi },
  { messages: [{ role: "system", content: "s" }, ...hi, { role: "assistant", content: "yes?" }, ...hi] },
  {
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
        ],
      },
    ],
  },
  {
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "image_url", image_url: { url: "https://example.org/a.png", detail: "low" } },
        ],
      },
    ],
  },
  {
    messages: [
      ...hi,
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "1", type: "function", function: { name: "f", arguments: '{"a":[1,"é"]}' } }],
      },
      { role: "tool", tool_call_id: "1", content: "42" },
    ],
    tools: [weather],
    tool_choice: "required",
  },
  {
    messages: hi,
    tools: [weather],
    tool_choice: { type: "function", function: { name: "f" } },
    parallel_tool_calls: false,
  },
  { messages: hi, tools: [weather], tool_choice: "none" },
  {
    messages: hi,
    max_tokens: 5,
    temperature: 0,
    top_p: 0.5,
    seed: 0,
    stop: ["a", "b"],
    frequency_penalty: 0,
    presence_penalty: 1,
  },
  {
    messages: hi,
    logprobs: true,
    top_logprobs: 3,
    user: "u",
    store: false,
    service_tier: "flex",
    reasoning_effort: "low",
  },
  { messages: hi, response_format: { type: "json_object" } },
  {
    messages: hi,
    response_format: {
      type: "json_schema",
      json_schema: { name: "o", strict: true, schema: { type: "object" } },
    },
  },
  { messages: hi, logit_bias: { "1": 2 }, metadata: { a: "b" } },
].map((body) => ({ model: "m", ...body }));

const message = { role: "assistant", content: "x" };
const responses: Record<string, unknown>[] = [
  { id: "1", model: "m2", choices: [{ message, finish_reason: "stop" }] },
  {
    choices: [{ message, finish_reason: "length" }],
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
  },
  { choices: [{ message: { ...message, content: null }, finish_reason: null }] },
  {
    choices: [
      { message: { ...message, reasoning_content: "hm", refusal: "no" }, finish_reason: "content_filter" },
    ],
  },
  {
    choices: [
      {
        message: {
          ...message,
          content: [
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ],
        },
        finish_reason: "eos",
      },
    ],
  },
  {
    choices: [
      {
        message: {
          content: null,
          tool_calls: [
            { id: "1", type: "function", function: { name: "f", arguments: '{"a":1}' } },
            { type: "function", function: { name: "g", arguments: "[1" } },
            { id: "3", type: "function", function: { name: "h", arguments: "2" } },
            { id: "4", type: "function", function: { name: "i", arguments: "" } },
          ],
        },
        finish_reason: "stop",
      },
    ],
  },
  {
    choices: [
      {
        message,
        logprobs: {
          content: [
            {
              token: "x",
              logprob: -0.5,
              bytes: [120],
              top_logprobs: [{ token: "y", logprob: -2, bytes: null }],
            },
          ],
        },
        finish_reason: "stop",
      },
    ],
    usage: {
      prompt_tokens: 3,
      prompt_tokens_details: { cached_tokens: 1, audio_tokens: 0 },
      completion_tokens: 4,
      completion_tokens_details: { reasoning_tokens: 2 },
    },
  },
];

describe("the normal form beside DSPy's own", () => {
  it("sends for DSPy's reading of a chat completion request that very request", async () => {
    const readings = dspy({ requests, responses: [], ours: [] }).requests;
    await using server = await startChatServer((response) => json(response, 200, responses[0]));
    const adapter = http({ model: "m", baseURL: server.baseURL });
    for (const reading of readings) await adapter.complete(reading, { signal });
    expect(server.seen.map(({ body }) => body)).toEqual(requests);
  });

  it("reads chat completions as DSPy does, into what DSPy accepts", async () => {
    let next = 0;
    await using server = await startChatServer((response) => json(response, 200, responses[next++]));
    const adapter = http({ model: "m", baseURL: server.baseURL });
    const ours: LmResponse[] = [];
    for (const _ of responses) ours.push(await adapter.complete({ model: "m", messages: [] }, { signal }));
    const readings = dspy({ requests: [], responses, ours });
    expect(readings.ours).toEqual(readings.responses);
  });
});
