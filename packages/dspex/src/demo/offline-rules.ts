import { invalidOption } from "@dspex/core";
import { choose, sentencesOf, type Choice } from "./offline-classifier.ts";
import { draftAnswer } from "./offline-draft.ts";
import { factsOf } from "./offline-facts.ts";
import { literalsOf, readPrompt, renderReply, type FieldValue } from "./offline-prompt.ts";

/**
 * The offline rules: answer a chat completion request that DSPy rendered, by weighted words and by patterns. No language
 * model.
 *
 * A `Literal` output gets the class whose words weigh most, a `list[str]` what a pattern for its name finds, `reasoning` the
 * words that were weighed. Any other `str` quotes the input, and when there is an input of type `list[str]`, such as help
 * articles, the first text and the article that fits it best. A `float` is the confidence of the first choice, else of the draft, else 0.
 * An input named `language` selects the words. When `reasoning` is asked for (`ChainOfThought`), the rules look more closely.
 *
 * @param body the parsed body of an OpenAI chat completion request.
 * @returns the body of OpenAI's answer, but for `id` and `created`.
 * @throws ERR_INVALID_OPTION when `body` is no prompt of DSPy's or asks for what the rules cannot fill.
 */
export function answerOffline(body: unknown) {
  const prompt = readPrompt(body);
  const language = prompt.inputs.get("language");
  const texts = [...prompt.inputs].flatMap(([name, value]) => (name === "language" ? [] : value));
  const text = texts.join("\n");
  const closely = prompt.outputs.some(({ name }) => name === "reasoning");
  const choices = new Map<string, Choice>();
  for (const { name, type } of prompt.outputs) {
    const classes = literalsOf(type);
    if (classes) choices.set(name, choose(text, { classes, language, closely }));
  }
  const first = choices.values().next().value;
  const articles = [...prompt.lists.values()].flat();
  const draft = prompt.lists.size > 0 ? draftAnswer({ text: texts[0] ?? "", articles, language }) : undefined;
  const valueOf = (name: string, type: string): FieldValue => {
    const choice = choices.get(name);
    if (choice) return choice.best;
    if (type === "float") return (first ?? draft)?.confidence ?? 0;
    const facts = type === "list[str]" ? factsOf(name, text) : undefined;
    if (facts) return facts;
    if (type !== "str")
      throw invalidOption(
        name,
        type,
        "a str, float or Literal, or a list[str] of ids, dates, amounts or products, which offline rules can fill",
      );
    if (name === "reasoning" && first) return explain(first);
    return draft?.answer ?? `Offline rules quote: ${sentencesOf(text)[0]}`;
  };
  const values = new Map(prompt.outputs.map(({ name, type }) => [name, valueOf(name, type)]));
  const message = { role: "assistant", content: renderReply(prompt, values) };
  return {
    object: "chat.completion",
    model: "offline-rules",
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, // rules have no tokens
  } as const;
}

function explain({ evidence }: Choice): string {
  const clauses = evidence
    .filter(({ score }) => score > 0)
    .map(({ of, score, words }) => `${words.map((word) => `"${word}"`).join(", ")} for ${of} (${score})`);
  if (clauses.length === 0) return "Offline rules found none of their words in the text.";
  return `Offline rules weighed ${clauses.join("; ")}.`;
}
