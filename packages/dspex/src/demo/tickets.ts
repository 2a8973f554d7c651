import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

/** A support ticket, as a line of the input has it (`docs/demo.md`). */
export interface Ticket {
  readonly id: string;
  readonly text: string;
  readonly language: string;
  /** Who wrote it. */
  readonly customer?: string;
  /** The class that a person gave it. */
  readonly expected?: Category;
}

export const categories = ["billing", "shipping", "technical", "account", "refund"] as const;

export type Category = (typeof categories)[number];

export interface InvalidLine {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

export interface TicketFile {
  readonly tickets: readonly Ticket[];
  readonly invalidLines: readonly InvalidLine[];
}

/** Reads a JSONL file. A line that is no ticket is reported and costs nothing but itself; empty lines are skipped. */
export async function readTickets(path: string): Promise<TicketFile> {
  const tickets: Ticket[] = [];
  const invalidLines: InvalidLine[] = [];
  const ids = new Set<string>();
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line += 1;
    if (text.trim() === "") continue;
    const parsed = parseTicket(text);
    if (typeof parsed === "string") invalidLines.push({ line, reason: parsed });
    else if (ids.has(parsed.id))
      invalidLines.push({ line, reason: `the id "${parsed.id}" was there before` });
    else {
      ids.add(parsed.id);
      tickets.push(parsed);
    }
  }
  return { tickets, invalidLines };
}

/** The ticket, or why the line is none. */
function parseTicket(line: string): Ticket | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return "not JSON";
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "not a JSON object";
  const { id, text, language, customer, expected } = value as Record<string, unknown>;
  for (const [name, field] of Object.entries({ id, text, language }))
    if (typeof field !== "string" || field.trim() === "") return `"${name}" is missing or not a text`;
  if (customer !== undefined && typeof customer !== "string") return '"customer" is not a text';
  const category = categories.find((known) => known === expected);
  if (expected !== undefined && category === undefined)
    return `"expected" is ${JSON.stringify(expected)}, none of ${categories.join(", ")}`;
  return {
    id: id as string,
    text: text as string,
    language: language as string,
    ...(customer === undefined ? {} : { customer }),
    ...(category === undefined ? {} : { expected: category }),
  };
}
