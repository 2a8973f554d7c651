import { fold } from "./offline-classifier.ts";
import { offlinePhrases } from "./offline-phrases.ts";

/**
 * What a list field asks for, found in a text by pattern: the last word of the field's name says what kind of thing
 * ("order_ids", "dates", "amounts", "products"), the words before it of what. In the order and the words of the text, each
 * once.
 *
 * @returns undefined when the rules have no pattern for such a field.
 */
export function factsOf(field: string, text: string): readonly string[] | undefined {
  const [, of = "", kind = ""] = /^(?:(\w+)_)?([^_]+?)s?$/.exec(field) ?? [];
  const found = finders.get(kind)?.(text, of);
  const firsts = new Map<string, string>();
  for (const fact of found ?? []) if (!firsts.has(fold(fact))) firsts.set(fold(fact), fact);
  return found && [...firsts.values()];
}

type Finder = (text: string, of: string) => string[];

/** A find stands apart from letters and from figures that would belong to it: there is no date in "5.8.0". */
function find(text: string, pattern: string, flags = ""): string[] {
  const apart = String.raw`(?<![\p{L}\d.,/$€£])(?:${pattern})(?!\d)`;
  return Array.from(text.matchAll(new RegExp(apart, `gu${flags}`)), ([found]) => found);
}

/** What things that have ids are called, where a ticket says it otherwise than the field. */
const names: Readonly<Record<string, string>> = { order: "order|bestellung|auftrag|pedido" };

/** Shops mark the id of an order with "#"; any other id has four digits and the name of its thing before it. */
const findIds: Finder = (text, of) => {
  const name = names[of] ?? (of.replaceAll("_", " ") || "id");
  const number = String.raw`(?: (?:number|no|nr|nummer|id|n[uú]mero|n[º°]))?\.?:? ?`;
  const named = String.raw`(?<=(?<!\p{L})(?:${name})${number})#?(?=[\w-]{0,20}\d{4})\w[\w-]*`;
  return find(text, of === "" || of in names ? String.raw`${named}|#(?=[\w-]{0,20}\d)\w[\w-]*` : named, "i");
};

const month = [
  "jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch|zo)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?",
  "sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?",
  "enero|febrero|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre",
].join("|");
const day = String.raw`(?:3[01]|[12]\d|0?[1-9])`;
const ordinal = `${day}(?:st|nd|rd|th)`;

const dates = [
  String.raw`\d{4}-\d\d-\d\d`,
  String.raw`${day}\.(?:1[0-2]|0?[1-9])\.(?:\d{4}|\d\d)?`,
  String.raw`(?!24/7)${day}/${day}(?:/\d{4}|/\d\d)?`,
  String.raw`(?:${ordinal}|${day}[.º]?)(?: de| of)? (?:${month})(?!\p{L})(?:(?: de|,)? \d{4})?`,
  String.raw`(?:${month})\.? (?:${ordinal}|${day})(?![.,]?\d| ?%|\p{L})(?:,? \d{4})?`,
  String.raw`${ordinal}(?!\p{L})`,
  String.raw`(?<=(?<!\p{L})(?:am|vom|zum|bis) )${day}\.`,
  String.raw`d[ií]a ${day}(?!\p{L})`,
].join("|");

const figure = String.raw`\d(?:[\d.,]*\d)?`;
const currency = String.raw`(?:[$€£]|(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?)(?!\p{L}))`;
const amounts = String.raw`[$€£]\s?${figure}|${figure}\s?${currency}`;

/** What a shop for plants at home sells; a longer word that ends so is meant as well ("Bodensensor"). */
const goods = String.raw`(?:\p{L}*[Ss]ensor|[Hh]ub|[Pp]lanter|[Ss]unbar|[Ll]ampe?|[Ll]ámpara|[Kk]it|\p{L}*[Pp]ad)(?:en|es|s|n)?`;
const size = String.raw`(?: XL(?!\p{L})| \d{2,3})?`;
const products = String.raw`(?:\p{Lu}\p{L}* ){0,3}(?:${goods}(?!\p{L})${size}|\p{Lu}\p{Ll}+[ -]Plus(?!\p{L}))`;

/** The capitals before a product are its name, but for the word that begins the sentence ("The Leaf Planter"). */
const beginning = new RegExp(
  `^(?:(?:${Object.values(offlinePhrases)
    .flatMap(({ common }) => common.split(", "))
    .join("|")}) )+`,
  "i",
);
const findProducts: Finder = (text) => find(text, products).map((found) => found.replace(beginning, ""));

const finders: ReadonlyMap<string, Finder> = new Map<string, Finder>([
  ["id", findIds],
  ["number", findIds],
  ["date", (text) => find(text, dates, "i")],
  ["amount", (text) => find(text, amounts, "i")],
  ["price", (text) => find(text, amounts, "i")],
  ["product", findProducts],
]);
