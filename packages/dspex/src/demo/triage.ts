import { signature } from "@dspex/signatures";
import type { Runtime } from "../runtime.ts";
import type { Category, Ticket } from "./tickets.ts";

const triageSignature = signature(
  "ticket: str, language: str -> category: Literal['billing', 'shipping', 'technical', 'account', 'refund'], confidence: float",
  { instructions: "Classify a customer's support ticket, and say how sure you are, from 0 to 1." },
);

/** Below this, a ticket is looked at a second time. */
const sureFrom = 0.6;

interface Answer {
  readonly category: Category;
  readonly confidence: number;
  /** The thoughts of the second look; absent when the first was sure. */
  readonly reasoning?: string;
}

export type TicketResult =
  | { readonly ticket: Ticket; readonly ok: true; readonly answer: Answer }
  | { readonly ticket: Ticket; readonly ok: false; readonly code: string; readonly message: string };

/** Classifies tickets with `Predict`, and reasons with `ChainOfThought` where it is not sure. */
export function createTriage(runtime: Runtime): (ticket: Ticket) => Promise<TicketResult> {
  const classify = runtime.program(triageSignature);
  const reason = runtime.program(triageSignature, { module: "ChainOfThought" });

  return async (ticket) => {
    const input = { ticket: ticket.text, language: ticket.language };
    const first = await classify.tryCall(input);
    if (first.ok && first.value.confidence >= sureFrom) return { ticket, ok: true, answer: first.value };
    if (!first.ok) return failed(ticket, first.error);
    const second = await reason.tryCall(input);
    return second.ok ? { ticket, ok: true, answer: second.value } : failed(ticket, second.error);
  };
}

function failed(ticket: Ticket, { code, message }: { code: string; message: string }): TicketResult {
  return { ticket, ok: false, code, message };
}
