import { offlineWords, type LanguageWords } from "./offline-words.ts";

/** What the rules make of a text. */
export interface Choice {
  readonly best: string;
  /** 0–1: falls when two classes are near; 1 / number of classes without any evidence. */
  readonly confidence: number;
  /** What speaks for each class, heaviest class first. */
  readonly evidence: readonly Evidence[];
}

interface Evidence {
  readonly of: string;
  readonly score: number;
  /** Words of the text as they stand there, heaviest first. */
  readonly words: readonly string[];
}

interface Look {
  readonly classes: readonly string[];
  /** ISO 639-1; without a language that has words, all of them are tried. */
  readonly language: string | undefined;
  /** Weigh words more in a sentence that asks for something, and not at all when they are taken back ("no voucher"). */
  readonly closely: boolean;
}

/** What a class's own name in the text weighs: all the rules know of a class that stands in no table. */
const nameWeight = 2;
const askFactor = 1.5;
/** How much one unit of weight adds to the log-odds of a class; a test holds that low confidence is wrong more often. */
const logOddsPerWeight = 0.4;

/** Chooses the class whose words weigh most in the text. */
export function choose(text: string, { classes, language, closely }: Look): Choice {
  const table = tables.get(language?.toLowerCase() ?? "");
  const known = table ? [table] : [...tables.values()];
  const sentences = sentencesOf(text).map((sentence) => {
    const folded = fold(sentence);
    return { sentence, folded, asks: sentence.endsWith("?") || known.some(({ asks }) => asks.test(folded)) };
  });
  const weigh = (of: string): Evidence => {
    const found = new Map<string, { readonly word: string; readonly weight: number }>();
    for (const { weight, entries } of [namedAs(of), ...known.flatMap((each) => each.classes.get(of) ?? [])])
      for (const { sentence, folded, asks } of sentences)
        for (const { index, 0: match } of folded.matchAll(entries)) {
          const before = folded.slice(Math.max(0, index - 60), index);
          if (closely && known.some(({ denies }) => denies.test(before))) continue;
          const here = closely && asks ? weight * askFactor : weight;
          // A word counts once, where it weighs most.
          if (here > (found.get(match)?.weight ?? 0))
            found.set(match, { word: sentence.slice(index, index + match.length), weight: here });
        }
    const heaviest = [...found.values()].sort((a, b) => b.weight - a.weight);
    return {
      of,
      score: heaviest.reduce((sum, { weight }) => sum + weight, 0),
      words: heaviest.map(({ word }) => word),
    };
  };
  const evidence = classes.map(weigh).sort((a, b) => b.score - a.score);
  const top = evidence[0]?.score ?? 0;
  // The posterior of naive Bayes with equal priors, the weights being log-odds.
  const odds = evidence.reduce((sum, { score }) => sum + Math.exp((score - top) * logOddsPerWeight), 0);
  return { best: evidence[0]?.of ?? "", confidence: Math.round(100 / odds) / 100, evidence };
}

export function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.!?])\s+|\n+/);
}

interface Weighted {
  readonly weight: number;
  readonly entries: RegExp;
}

interface Table {
  readonly asks: RegExp;
  /** Matches what stands before a word that is taken back: at most two words of the same clause lie between. */
  readonly denies: RegExp;
  readonly classes: ReadonlyMap<string, readonly Weighted[]>;
}

const tables = new Map(Object.entries(offlineWords).map(([language, words]) => [language, tableOf(words)]));

function tableOf({ asks, denies, classes }: LanguageWords): Table {
  const weightedOf = ([weight, list]: [string, string]): Weighted => ({
    weight: Number(weight),
    entries: beginningsIn(list),
  });
  return {
    asks: new RegExp(String.raw`${anyOf(asks)}(?!\p{L})`, "u"),
    denies: new RegExp(String.raw`${anyOf(denies)}(?: [\p{L}'-]+){0,2} $`, "u"),
    classes: new Map(
      Object.entries(classes).map(([of, lists]) => [of, Object.entries(lists).map(weightedOf)]),
    ),
  };
}

function namedAs(of: string): Weighted {
  const words = fold(of).match(/[\p{L}\p{N}']+/gu) ?? [of];
  return { weight: nameWeight, entries: beginningsIn(words.join(" ")) };
}

/** Finds the words that begin with an entry of the list. */
function beginningsIn(list: string): RegExp {
  return new RegExp(String.raw`${anyOf(list)}[\p{L}\p{N}]*`, "gu");
}

function anyOf(list: string): string {
  return String.raw`(?<![\p{L}\p{N}])(?:${list.replaceAll(", ", "|")})`;
}

/** Lower case without accents, character by character, so that an index into it is the same index into `text`. */
export function fold(text: string): string {
  return text.replace(/./gsu, (each) => each.toLowerCase().normalize("NFD").slice(0, each.length));
}
