import { spawnSync } from "node:child_process";
import { describe, expect, it } from "@jest/globals";
import { http, type LmRequest, type LmResponse, type LmStreamEvent } from "@dspex/lm";
import { findEnvironment } from "@dspex/python-bridge/environment";
import { eventStream, json, startChatServer } from "./chat-server.ts";

/**
 * DSPy's own reading of the bodies of chat completions, in its JSON form; responses also through its reader for ours.
 * Streams are read event by event and put together by DSPy.
 */
const script = `
import json, sys
from dspy._vendor.lm15 import serde
from dspy._vendor.lm15.providers.openai_chat import OpenAIChatLM, request_from_openai_chat, response_from_openai_chat
from dspy._vendor.lm15.result import coalesce_stream, materialize_response
from dspy._vendor.lm15.sse import parse_sse

request = request_from_openai_chat({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
reader = OpenAIChatLM(api_key="none")

def whole(events):
    response = serde.response_to_dict(materialize_response(events, request))
    return {key: response.get(key) for key in ("message", "finish_reason", "usage", "logprobs")}

def dspy_events(body):
    raw_events = parse_sse(iter(body.encode().splitlines(keepends=True)))
    return coalesce_stream(iter([event for raw in raw_events for event in reader.parse_stream_events(request, raw)]))

asked = json.load(sys.stdin)
json.dump({
    "requests": [serde.request_to_dict(request_from_openai_chat(body)) for body in asked["requests"]],
    "responses": [serde.response_to_dict(response_from_openai_chat(body, model="m")) for body in asked["responses"]],
    "ours": [serde.response_to_dict(serde.response_from_dict(response)) for response in asked["ours"]],
    "streams": [whole(dspy_events(body)) for body in asked["streams"]],
    "our_streams": [whole(map(serde.stream_event_from_dict, events)) for events in asked["our_streams"]],
}, sys.stdout)
`;

interface Readings {
  readonly requests: LmRequest[];
  readonly responses: LmResponse[];
  readonly ours: LmResponse[];
  readonly streams: unknown[];
  readonly our_streams: unknown[];
}

interface Asked {
  readonly requests?: readonly object[];
  readonly responses?: readonly object[];
  readonly ours?: readonly LmResponse[];
  readonly streams?: readonly string[];
  readonly our_streams?: readonly (readonly LmStreamEvent[])[];
}

function dspy(asked: Asked): Readings {
  const environment = findEnvironment();
  if (environment === undefined)
    throw new Error("There is no Python environment yet: run `npx dspex setup`.");
  const input = JSON.stringify({
    requests: [],
    responses: [],
    ours: [],
    streams: [],
    our_streams: [],
    ...asked,
  });
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

const sse = (...chunks: (object | string)[]) =>
  chunks.map((chunk) => `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`).join("");
const delta = (fields: object, finish_reason: string | null = null, rest: object = {}) => ({
  choices: [{ index: 0, delta: fields, finish_reason, ...rest }],
});
const call = (fields: object) => delta({ tool_calls: [fields] });
const score = { token: "x", logprob: -0.5, bytes: [120], top_logprobs: [{ token: "y", logprob: -2 }] };

const streams: string[] = [
  sse(
    { id: "1", model: "m2", ...delta({ content: "a" }) },
    delta({ content: "é🙂" }),
    delta({}, "stop"),
    "[DONE]",
  ),
  sse(delta({ content: "a" }, "length"), {
    choices: [],
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
  }),
  sse(delta({ role: "assistant", content: "" }), delta({}, "content_filter"), "[DONE]"),
  sse(delta({ reasoning_content: "h" }), delta({ reasoning: "m" }), delta({ content: "a" }, "eos"), "[DONE]"),
  sse(
    call({ index: 0, id: "1", function: { name: "f", arguments: "" } }),
    call({ index: 0, function: { arguments: '{"a"' } }),
    call({ index: 1, id: "2", function: { name: "g", arguments: "{}" } }),
    call({ index: 0, function: { arguments: ":1}" } }),
    delta({}, "stop"),
    "[DONE]",
  ),
  sse(delta({ content: "x" }, null, { logprobs: { content: [score] } }), delta({}, "stop"), "[DONE]"),
];

describe("the normal form beside DSPy's own", () => {
  it("sends for DSPy's reading of a chat completion request that very request", async () => {
    const readings = dspy({ requests }).requests;
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
    const readings = dspy({ responses, ours });
    expect(readings.ours).toEqual(readings.responses);
  });

  it("reads streamed chat completions as DSPy does, into events that DSPy accepts", async () => {
    let next = 0;
    await using server = await startChatServer((response) => void eventStream(response).end(streams[next++]));
    const adapter = http({ model: "m", baseURL: server.baseURL });
    const ours: LmStreamEvent[][] = [];
    for (const _ of streams) {
      const events: LmStreamEvent[] = [];
      for await (const event of adapter.stream!({ model: "m", messages: [] }, { signal })) events.push(event);
      ours.push(events);
    }
    const readings = dspy({ streams, our_streams: ours });
    expect(readings.our_streams).toEqual(readings.streams);
    expect(readings.our_streams).toHaveLength(streams.length);
  });

  it("streams whole responses as events that DSPy puts together to the same", async () => {
    const adapters = responses.map((body) => async () => {
      await using server = await startChatServer((response) => json(response, 200, body));
      const adapter = http({ model: "m", baseURL: server.baseURL });
      const whole = await adapter.complete({ model: "m", messages: [] }, { signal });
      const events: LmStreamEvent[] = [];
      for await (const event of adapter.stream!({ model: "m", messages: [] }, { signal })) events.push(event);
      return { whole, events };
    });
    const both = await Promise.all(adapters.map((ask) => ask()));
    const readings = dspy({
      ours: both.map(({ whole }) => whole),
      our_streams: both.map(({ events }) => events),
    });
    expect(readings.our_streams).toEqual(
      readings.ours.map(({ message, finish_reason, usage = null, logprobs = null }) => ({
        // A refusal has no delta: it comes as text.
        message: {
          ...message,
          parts: message.parts.map((part) =>
            part.type === "refusal" ? { type: "text", text: part.text } : part,
          ),
        },
        finish_reason,
        usage,
        logprobs,
      })),
    );
  });
});
