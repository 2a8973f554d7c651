import { fold, sentencesOf } from "./offline-classifier.ts";
import { offlinePhrases, type LanguagePhrases } from "./offline-phrases.ts";

/** An answer put together from the customer's own words and a help article. */
export interface Draft {
  readonly answer: string;
  /** 0–1: falls when a second article fits nearly as well; 0 when none fits. */
  readonly confidence: number;
}

interface Request {
  readonly text: string;
  /** Each beginning with its title: up to a line break, a colon or the end of the first sentence. */
  readonly articles: readonly string[];
  /** ISO 639-1; without one that has phrases, the text's own words tell. */
  readonly language: string | undefined;
}

/** How much one unit of overlap adds to the log-odds of an article; a test holds that low confidence is wrong more often. */
const logOddsPerOverlap = 0.4;

/** Quotes the sentence of the text and that of the article which share the most stems; rare stems weigh more. */
export function draftAnswer({ text, articles, language }: Request): Draft {
  const { quotes, refers, says, nothing } = phrasesFor(text, language);
  const known = articles.map(stemsOf);
  const weightOf = (stem: string): number =>
    Math.log((known.length + 1) / known.filter((stems) => stems.has(stem)).length);
  const overlap = (one: ReadonlySet<string>, other: ReadonlySet<string>): number =>
    [...one].filter((stem) => other.has(stem)).reduce((sum, stem) => sum + weightOf(stem), 0);
  const closest = (texts: readonly string[], to: ReadonlySet<string>): string | undefined =>
    firstMost(texts, (each) => overlap(stemsOf(each), to));

  const asked = stemsOf(text);
  const article = closest(articles, asked) ?? "";
  const [, title = "", body = ""] = /^(.+?)(?:\n|: |(?<=[.!?]) )(.*)$/s.exec(article) ?? [
    "",
    article,
    article,
  ];
  const quoted = `${quotes} "${closest(sentencesOf(text), stemsOf(article))}"`;
  const scores = known.map((stems) => overlap(asked, stems));
  const top = overlap(asked, stemsOf(article));
  if (top === 0) return { answer: `${quoted} ${nothing}`, confidence: 0 };
  const odds = scores.reduce((sum, score) => sum + Math.exp((score - top) * logOddsPerOverlap), 0);
  return {
    answer: `${quoted} ${refers} "${title}" ${says} "${closest(sentencesOf(body), asked)}"`,
    confidence: Math.round(100 / odds) / 100,
  };
}

/** The beginnings of a text's words: long enough to tell them apart, short enough to hold their forms together. */
function stemsOf(text: string): Set<string> {
  const words = fold(text).match(/\p{L}{4,}/gu) ?? [];
  return new Set(words.filter((word) => !commonWords.has(word)).map((word) => word.slice(0, 6)));
}

const commonOf = ({ common }: LanguagePhrases): string[] => common.split(", ");
const commonWords: ReadonlySet<string> = new Set(Object.values(offlinePhrases).flatMap(commonOf));

function phrasesFor(text: string, language: string | undefined): LanguagePhrases {
  const given = offlinePhrases[language?.toLowerCase() ?? ""];
  if (given) return given;
  const words = fold(text).match(/\p{L}+/gu) ?? [];
  const count = (phrases: LanguagePhrases): number => {
    const common = new Set(commonOf(phrases));
    return words.filter((word) => common.has(word)).length;
  };
  return firstMost(Object.values(offlinePhrases), count)!;
}

/** The item that weighs most, of equal ones the first. */
function firstMost<T>(items: readonly T[], weigh: (item: T) => number): T | undefined {
  return items.map((item) => ({ item, weight: weigh(item) })).sort((a, b) => b.weight - a.weight)[0]?.item;
}
