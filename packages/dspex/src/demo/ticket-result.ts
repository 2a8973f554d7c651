import type { Answer } from "./support-desk.ts";
import type { Ticket } from "./tickets.ts";

/** What became of a ticket. */
export type TicketResult =
  | { readonly ticket: Ticket; readonly ok: true; readonly answer: Answer }
  | { readonly ticket: Ticket; readonly ok: false; readonly code: string; readonly message: string };
