import { DspexError, http, signature, startRuntime } from "dspex";

// DSPy's own signature text; the types are inferred from it.
const triage = signature(
  "ticket: str, language: str -> category: Literal['billing', 'shipping', 'technical'], confidence: float",
  { instructions: "Classify a support ticket, and say how sure you are, from 0 to 1." },
);

// Starts the supervision tree and two Python workers; leaving the scope drains and stops them.
await using runtime = await startRuntime({
  lm: {
    default: http({
      model: "gpt-4.1-mini",
      apiKey: () => process.env["OPENAI_API_KEY"],
      baseURL: process.env["OPENAI_BASE_URL"] ?? "https://api.openai.com/v1",
    }),
  },
  pools: { dspy: { size: 2 } },
});

const classify = runtime.program(triage);
const reason = runtime.program(triage, { module: "ChainOfThought", lm: { temperature: 0 } });

const ticket = { ticket: "My parcel has been stuck at customs for a week.", language: "en" };
const { category, confidence } = await classify.call(ticket, { timeoutMs: 20_000 });
console.log(category, confidence);

// `tryCall` never rejects: the outcome says what happened, and how.
const outcome = await reason.tryCall(ticket);
if (outcome.ok) console.log(outcome.value.reasoning, outcome.meta.worker, outcome.meta.attempts);
else if (DspexError.is(outcome.error, "ERR_WORKER_CRASHED")) console.error(outcome.error.details.signal);
else console.error(outcome.error.code, outcome.error.message);
