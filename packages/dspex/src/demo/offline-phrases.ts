/** What the offline rules say in one language, and by what they tell a text in it. */
export interface LanguagePhrases {
  /** Frequent words without meaning of their own, separated by ", ", in lower case without accents. */
  readonly common: string;
  /** Stands before a sentence of the customer's. */
  readonly quotes: string;
  /** Stands before the title of a help article; `says` between the title and what is quoted from it. */
  readonly refers: string;
  readonly says: string;
  /** Takes the place of an article when none fits. */
  readonly nothing: string;
}

/** Language (ISO 639-1) → its phrases. */
export const offlinePhrases: Readonly<Record<string, LanguagePhrases>> = {
  en: {
    common:
      "the, and, is, it, i, my, of, to, not, was, your, you, have, has, for, with, this, that, there, they, from, but, when, which, what, still, just, been, does, than, then, only, again",
    quotes: "You wrote:",
    refers: "Our help page",
    says: "says:",
    nothing: "We have no help page on this.",
  },
  de: {
    common:
      "der, die, das, den, dem, ich, nicht, und, ist, mein, meine, meiner, sie, zu, mit, auf, im, ein, eine, einen, habe, haben, sich, wird, auch, noch, nur, aber, oder, wenn, dass, schon, wann, immer, jetzt, seit, bitte, ihre, ihren",
    quotes: "Sie schreiben:",
    refers: "Unsere Hilfeseite",
    says: "sagt:",
    nothing: "Dazu haben wir keine Hilfeseite.",
  },
  es: {
    common:
      "el, la, los, las, y, que, mi, de, en, un, una, se, lo, por, me, con, del, al, para, pero, como, esta, este, hay, cuando, desde, tengo, tiene, todo, muy, cada, sigue, sobre, ahora, nada, favor",
    quotes: "Usted escribe:",
    refers: "Nuestra página de ayuda",
    says: "dice:",
    nothing: "No tenemos una página de ayuda sobre esto.",
  },
};
