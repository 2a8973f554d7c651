// Spawns a pipeline from code: a supervised actor of its own, which tells what it does.
import { http, pipeline, signature, startRuntime } from "dspex";

await using runtime = await startRuntime({
  lm: {
    default: http({
      model: process.env["MODEL"] ?? "gpt-4.1-mini",
      apiKey: () => process.env["OPENAI_API_KEY"],
      baseURL: process.env["OPENAI_BASE_URL"] ?? "https://api.openai.com/v1",
    }),
  },
});
const classify = runtime.program(
  signature("ticket -> category: Literal['billing', 'shipping'], confidence: float"),
);
const reason = runtime.program(signature("ticket -> category: Literal['billing', 'shipping']"), {
  module: "ChainOfThought",
});
const extract = runtime.program(signature("ticket -> order_ids: list[str]"));

const triage = pipeline<{ text: string }>("triage")
  .parallel((group) =>
    group
      .stage("kind", classify, ({ input }) => ({ ticket: input.text }))
      .stage("facts", extract, ({ input }) => ({ ticket: input.text })),
  )
  .when(
    ({ kind }) => kind.confidence < 0.6,
    (steps) => steps.stage("second", reason, ({ input }) => ({ ticket: input.text })),
  )
  .output(({ kind, facts, second }) => ({
    category: second?.category ?? kind.category,
    orders: facts.order_ids,
  }));

const run = runtime.run(
  triage,
  { text: "My parcel #A-48213 is stuck at customs." },
  { restart: "transient" },
);
for await (const event of run.events) console.log(event.type, "stage" in event ? event.stage : "");
console.log(await run.result);
console.log(triage.toMermaid());
