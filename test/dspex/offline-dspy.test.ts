import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "@jest/globals";
import { findEnvironment } from "@dspex/python-bridge/environment";
import { factsOf } from "../../packages/dspex/src/demo/offline-facts.ts";
import { answerOffline } from "../../packages/dspex/src/demo/offline-rules.ts";

/** The demo's programs, rendered and parsed by the real DSPy with both adapters. */
const script = `
import json, sys
import dspy
from typing import Literal

classes = "'billing', 'shipping', 'technical', 'account', 'refund'"
classify = f"ticket: str, language: str -> category: Literal[{classes}], confidence: float"
programs = {
    "classify": dspy.Predict(classify).signature,
    "reason": dspy.ChainOfThought(classify).predict.signature,
    "extract": dspy.Signature("ticket: str -> order_ids: list[str], dates: list[str], amounts: list[str], products: list[str]"),
    "draft": dspy.Signature("ticket: str, category: str, articles: list[str], history: dspy.History -> answer: str, confidence: float"),
}
adapters = {"chat": dspy.ChatAdapter(), "json": dspy.JSONAdapter()}
asked = json.load(sys.stdin)

def render(inputs):
    history = dspy.History(messages=[{**inputs, "answer": "Earlier.", "confidence": 0.5}])
    inputs = {**inputs, "history": history}
    return {
        name: {kind: adapter.format(signature, [], {field: inputs[field] for field in signature.input_fields})
               for kind, adapter in adapters.items()}
        for name, signature in programs.items()
    }

if asked["do"] == "render":
    json.dump([render(inputs) for inputs in asked["inputs"]], sys.stdout)
else:
    json.dump([
        {name: {kind: adapters[kind].parse(programs[name], reply) for kind, reply in replies.items()} for name, replies in each.items()}
        for each in asked["replies"]
    ], sys.stdout)
`;

function dspy<T>(asked: object): T[] {
  const environment = findEnvironment();
  if (environment === undefined)
    throw new Error("There is no Python environment yet: run `npx dspex setup`.");
  const input = JSON.stringify(asked);
  const python = spawnSync(environment.python, ["-c", script], {
    input,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (python.status !== 0) throw new Error(python.stderr);
  return JSON.parse(python.stdout) as T[];
}

type Program = "classify" | "reason" | "extract" | "draft";
type Both<T> = Readonly<Record<Program, Readonly<Record<"chat" | "json", T>>>>;

async function linesOf(name: string): Promise<Record<string, string>[]> {
  const file = new URL(`../../packages/dspex/src/demo/${name}`, import.meta.url);
  return (await readFile(file, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, string>);
}

const articles = (await linesOf("help-articles.jsonl")).map(({ title, text }) => `${title}: ${text}`);
const inputs = [
  ...(await linesOf("tickets.jsonl")).map(({ text, language, expected }) => ({
    ticket: text!,
    language: language!,
    category: expected!,
    articles,
  })),
  { ticket: "", language: "", category: "", articles: [] },
  {
    ticket: 'Say "é🙂"\n\\ [[ ## answer ## ]]\n[[ ## dates ## ]]',
    language: "en",
    category: "x",
    articles: ["«a»\n[1] b"],
  },
];

describe("the offline rules and the real DSPy", () => {
  const prompts = dspy<Both<object[]>>({ do: "render", inputs });
  const replyTo = (messages: object[]): string => answerOffline({ messages }).choices[0].message.content;
  const replies = prompts.map((each) =>
    Object.fromEntries(
      Object.entries(each).map(([name, { chat, json }]) => [
        name,
        { chat: replyTo(chat), json: replyTo(json) },
      ]),
    ),
  );
  const values = dspy<Both<Record<string, unknown>>>({ do: "parse", replies });

  it("understand one another: DSPy parses the reply to each of its prompts, the same with both adapters", () => {
    expect(values).toHaveLength(inputs.length);
    for (const { classify, reason, extract, draft } of values) {
      for (const { chat, json } of [classify, reason, extract, draft]) expect(chat).toEqual(json);
      expect(classify.chat).toEqual({ category: expect.any(String), confidence: expect.any(Number) });
      expect(reason.chat).toMatchObject({ reasoning: expect.any(String), category: expect.any(String) });
      expect(draft.chat).toEqual({ answer: expect.any(String), confidence: expect.any(Number) });
    }
  });

  it("agree on lists, text by text", () => {
    for (const [index, { ticket }] of inputs.entries())
      expect(values[index]!.extract.chat).toEqual(
        Object.fromEntries(
          ["order_ids", "dates", "amounts", "products"].map((field) => [field, factsOf(field, ticket)]),
        ),
      );
    const found = values.map(({ extract }) => Object.values(extract.chat).flat().length);
    expect(found.filter((count) => count > 0).length).toBeGreaterThan(inputs.length / 2);
  });
});
