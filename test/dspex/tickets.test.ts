import { describe, expect, it } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { answerOffline } from "../../packages/dspex/src/demo/offline-rules.ts";
import { classifyPrompt, fieldsOf, reasonPrompt } from "./dspy-prompts.ts";

interface Ticket {
  readonly id: string;
  readonly customer: string;
  readonly language: string;
  readonly text: string;
  readonly expected: string;
}

const file = new URL("../../packages/dspex/src/demo/tickets.jsonl", import.meta.url);
const tickets = (await readFile(file, "utf8"))
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Ticket);

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
