import { describe, expect, it } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { sentencesOf } from "../../packages/dspex/src/demo/offline-classifier.ts";
import { draftAnswer } from "../../packages/dspex/src/demo/offline-draft.ts";
import { answerOffline } from "../../packages/dspex/src/demo/offline-rules.ts";
import { classifyPrompt, fieldsOf, reasonPrompt } from "./dspy-prompts.ts";

interface Ticket {
  readonly id: string;
  readonly customer: string;
  readonly language: string;
  readonly text: string;
  readonly expected: string;
}

interface Article {
  readonly id: string;
  readonly category: string;
  readonly language: string;
  readonly title: string;
  readonly text: string;
}

async function linesOf<T>(name: string): Promise<T[]> {
  const file = new URL(`../../packages/dspex/src/demo/${name}`, import.meta.url);
  return (await readFile(file, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}
const tickets = await linesOf<Ticket>("tickets.jsonl");
const articles = await linesOf<Article>("help-articles.jsonl");

/** How often each value of a field occurs. */
const countsOf = (field: keyof Ticket): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const { [field]: value } of tickets) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

const looks = tickets.map(({ text: ticket, language, expected }) => {
  const first = fieldsOf(answerOffline(classifyPrompt({ ticket, language })));
  const second = fieldsOf(answerOffline(reasonPrompt({ ticket, language })));
  return {
    low: Number(first["confidence"]) < 0.6,
    right: first["category"] === expected,
    rightAfterAll: (Number(first["confidence"]) < 0.6 ? second : first)["category"] === expected,
    changed: first["category"] !== second["category"],
  };
});
const shareOf = <T>(all: readonly T[], has: (one: T) => boolean) => all.filter(has).length / all.length;
const baseline = Math.max(...countsOf("expected").values()) / tickets.length;

describe("the bundled tickets", () => {
  it("are at least 60 lines with an id of their own, in three languages of at least 25 % each", () => {
    expect(tickets.length).toBeGreaterThanOrEqual(60);
    expect(countsOf("id").size).toBe(tickets.length);
    expect(new Set(countsOf("language").keys())).toEqual(new Set(["en", "de", "es"]));
    expect(Math.min(...countsOf("language").values()) / tickets.length).toBeGreaterThanOrEqual(0.25);
  });

  it("are all different, of 20 to 120 words", () => {
    expect(countsOf("text").size).toBe(tickets.length);
    for (const { text } of tickets) {
      const words = text.split(/\s+/).length;
      expect(words).toBeGreaterThanOrEqual(20);
      expect(words).toBeLessThanOrEqual(120);
    }
  });

  it("belong to the five classes of docs/demo.md, the most frequent of which is no more than a third", async () => {
    const page = await readFile(new URL("../../docs/demo.md", import.meta.url), "utf8");
    const documented = new Set(Array.from(page.matchAll(/^\| `(\w+)` \| [A-Z]/gm), ([, name]) => name));
    expect(new Set(countsOf("expected").keys())).toEqual(documented);
    expect(documented.size).toBe(5);
    expect(baseline).toBeLessThanOrEqual(1 / 3);
  });

  it("come from customers of whom some wrote more than once, always in one language", () => {
    expect(countsOf("customer").size).toBeLessThan(tickets.length);
    const spoken = new Set(tickets.map(({ customer, language }) => `${customer} ${language}`));
    expect(spoken.size).toBe(countsOf("customer").size);
  });
});

describe("offline rules on the bundled tickets", () => {
  it("are clearly better than the most frequent class, and not perfect", () => {
    expect(shareOf(looks, ({ right }) => right)).toBeGreaterThan(baseline + 0.4);
    expect(shareOf(looks, ({ rightAfterAll }) => rightAfterAll)).toBeGreaterThan(baseline + 0.4);
    expect(shareOf(looks, ({ rightAfterAll }) => rightAfterAll)).toBeLessThan(1);
  });

  it("are unsure of between 10 and 50 % of them", () => {
    const unsure = shareOf(looks, ({ low }) => low);
    expect(unsure).toBeGreaterThanOrEqual(0.1);
    expect(unsure).toBeLessThanOrEqual(0.5);
  });

  it("are wrong more often where they are unsure", () => {
    const [unsure, sure] = [looks.filter(({ low }) => low), looks.filter(({ low }) => !low)];
    expect(shareOf(unsure, ({ right }) => !right)).toBeGreaterThan(shareOf(sure, ({ right }) => !right));
  });

  it("change their mind at the second look of some", () => {
    expect(looks.some(({ low, changed }) => low && changed)).toBe(true);
  });
});

describe("the bundled help articles", () => {
  it("are at least 12, with an id, a title and a text of their own, about each class in each language", () => {
    expect(articles.length).toBeGreaterThanOrEqual(12);
    for (const field of ["id", "title", "text"] as const)
      expect(new Set(articles.map((article) => article[field])).size).toBe(articles.length);
    const about = new Set(articles.map(({ category, language }) => `${category} ${language}`));
    for (const category of countsOf("expected").keys())
      for (const language of countsOf("language").keys()) expect(about).toContain(`${category} ${language}`);
    expect(about.size).toBe(15);
  });

  it("have titles that end where their text begins", () => {
    for (const { title, text } of articles) {
      expect(title).not.toMatch(/: |\n|[.!?] /);
      expect(text.split(/\s+/).length).toBeGreaterThanOrEqual(20);
    }
  });
});

describe("offline drafts for the bundled tickets, out of all articles", () => {
  const drafts = tickets.map(({ text, expected, language }) => {
    const known = articles.map((article) => `${article.title}: ${article.text}`);
    const { answer, confidence } = draftAnswer({ text, articles: known, language: undefined });
    const chosen = articles.find(({ title }) => answer.includes(`"${title}" `));
    return {
      answer,
      low: confidence < 0.6,
      right: chosen?.category === expected,
      sameLanguage: chosen?.language === language,
      ticket: text,
      article: chosen?.text ?? "",
    };
  });

  it("quote the ticket and an article in its language", () => {
    for (const { answer, ticket, article, sameLanguage } of drafts) {
      expect(sameLanguage).toBe(true);
      expect(sentencesOf(ticket).some((sentence) => answer.includes(`: "${sentence}" `))).toBe(true);
      expect(sentencesOf(article).some((sentence) => answer.endsWith(`: "${sentence}"`))).toBe(true);
    }
  });

  it("quote the right class clearly more often than the most frequent one, not always, and are sometimes unsure", () => {
    expect(shareOf(drafts, ({ right }) => right)).toBeGreaterThan(baseline + 0.4);
    expect(shareOf(drafts, ({ right }) => right)).toBeLessThan(1);
    const unsure = shareOf(drafts, ({ low }) => low);
    expect(unsure).toBeGreaterThanOrEqual(0.1);
    expect(unsure).toBeLessThanOrEqual(0.5);
  });

  it("are wrong more often where they are unsure", () => {
    const [unsure, sure] = [drafts.filter(({ low }) => low), drafts.filter(({ low }) => !low)];
    expect(shareOf(unsure, ({ right }) => !right)).toBeGreaterThan(shareOf(sure, ({ right }) => !right));
  });
});
