import { readFileSync } from "node:fs";
import type { Category } from "./tickets.ts";

/** An article of the shop's help pages. */
export interface HelpArticle {
  readonly id: string;
  readonly category: Category;
  readonly language: string;
  readonly title: string;
  readonly text: string;
}

/** The bundled articles. */
export function readHelpArticles(): readonly HelpArticle[] {
  const lines = readFileSync(new URL("help-articles.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as HelpArticle);
}
