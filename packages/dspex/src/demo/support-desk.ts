import { pipeline, type Pipeline } from "@dspex/pipelines";
import type { Session } from "@dspex/sessions";
import { signature } from "@dspex/signatures";
import type { Runtime } from "../runtime.ts";
import type { HelpArticle } from "./help-articles.ts";
import type { Category, Ticket } from "./tickets.ts";

const classification = signature(
  "ticket: str, language: str -> category: Literal['billing', 'shipping', 'technical', 'account', 'refund'], confidence: float",
  { instructions: "Classify a customer's support ticket, and say how sure you are, from 0 to 1." },
);
const extraction = signature(
  "ticket: str -> order_ids: list[str], dates: list[str], amounts: list[str], products: list[str]",
  {
    instructions:
      "Extract the facts of a support ticket, word for word. Leave a list empty when there are none.",
  },
);
const drafting = signature(
  "ticket: str, category: str, articles: list[str] -> answer: str, confidence: float",
  { instructions: "Draft an answer to a support ticket, in its language, from the help articles." },
);

/** Below this, a ticket is looked at a second time. */
const sureFrom = 0.6;

export interface Answer {
  readonly category: Category;
  readonly confidence: number;
  /** The thoughts of the second look; absent when the first was sure. */
  readonly reasoning?: string;
  /** Order ids, dates, amounts and products of the ticket, in that order. */
  readonly facts: readonly string[];
  readonly reply: string;
}

/** What the support desk works with. */
export interface SupportDesk {
  readonly runtime: Runtime;
  /** Endpoints that are as good as one another: the learner chooses at each call. */
  readonly endpoints: readonly string[];
  readonly articles: readonly HelpArticle[];
  /** The conversation with a customer: later drafts know of the earlier ones. */
  readonly conversation: (customer: string) => Promise<Session>;
}

/**
 * Classify, then extract the facts and draft an answer at the same time, and reason about the class where the first look
 * was not sure.
 */
export function createSupportPipeline({
  runtime,
  endpoints,
  articles,
  conversation,
}: SupportDesk): Pipeline<Ticket, Answer> {
  const lm = { endpoint: endpoints };
  const classify = runtime.program(classification, { lm });
  const reason = runtime.program(classification, { module: "ChainOfThought", lm });
  const extract = runtime.program(extraction, { lm });
  const draft = runtime.program(drafting, { lm });

  return pipeline<Ticket>("support")
    .stage("kind", classify, ({ input }) => ({ ticket: input.text, language: input.language }))
    .parallel((group) =>
      group
        .stage("facts", extract, ({ input }) => ({ ticket: input.text }))
        .stage(
          "draft",
          async (ticket: Ticket & { category: Category }, { signal, deadline }) => {
            const session = await conversation(ticket.customer ?? ticket.id);
            const { category, language, text } = ticket;
            const fitting = articles.filter(
              (article) => article.category === category && article.language === language,
            );
            const input = {
              ticket: text,
              category,
              articles: fitting.map((article) => `${article.title}: ${article.text}`),
            };
            return session.call(draft, input, { signal, timeoutMs: deadline.remainingMs });
          },
          ({ input, kind }) => ({ ...input, category: kind.category }),
        ),
    )
    .when(
      ({ kind }) => kind.confidence < sureFrom,
      (steps) =>
        steps.stage("second", reason, ({ input }) => ({ ticket: input.text, language: input.language })),
    )
    .output(({ kind, facts, draft: { answer }, second }) => ({
      category: second?.category ?? kind.category,
      confidence: second?.confidence ?? kind.confidence,
      ...(second === undefined ? {} : { reasoning: second.reasoning }),
      facts: [...facts.order_ids, ...facts.dates, ...facts.amounts, ...facts.products],
      reply: answer,
    }));
}
