import { pipeline, type Pipeline, type PipelineRunner, type StandardSchema } from "@dspex/pipelines";
import type { Callable, PythonFunction } from "@dspex/programs";
import { expectTypeOf } from "expect-type";

interface Ticket {
  readonly text: string;
  readonly urgent: boolean;
}
declare const classify: Callable<{ ticket: string }, { kind: "bug" | "howto" }>;
declare const draft: Callable<
  { question: string; context: string[] },
  { answer: string; confidence: number }
>;
declare const find: (kind: string, scope: { readonly signal: AbortSignal }) => Promise<string[]>;
declare const runner: PipelineRunner;

// Each step sees what is written before it, and the output is what the last function returns.
const support = pipeline<Ticket>("support")
  .stage("kind", classify, ({ input }) => ({ ticket: input.text }))
  .parallel((p) =>
    p
      .stage("facts", find, ({ kind }) => kind.kind)
      .stage("draft", draft, { reads: ["kind"], timeoutMs: 1_000 }, ({ input, kind }) => ({
        question: input.text,
        context: [kind.kind],
      })),
  )
  .when(
    ({ draft: first }) => first.confidence < 0.6,
    (p) => p.stage("again", draft, ({ input, facts }) => ({ question: input.text, context: facts })),
  )
  .output(({ draft: first, again, kind }) => {
    expectTypeOf(again).toEqualTypeOf<{ answer: string; confidence: number } | undefined>();
    expectTypeOf(kind.kind).toEqualTypeOf<"bug" | "howto">();
    return { reply: (again ?? first).answer };
  });
expectTypeOf(support).toEqualTypeOf<Pipeline<Ticket, { reply: string }>>();

const run = runner.run(support, { text: "", urgent: false }, { restart: "transient" });
expectTypeOf(run.result).toEqualTypeOf<Promise<{ reply: string }>>();
// @ts-expect-error a ticket has a text
runner.run(support, { urgent: true });
// @ts-expect-error no such restart type
runner.run(support, { text: "", urgent: true }, { restart: "always" });

// `reads`: exactly these, and the input.
const begun = pipeline<Ticket>("begun")
  .stage("kind", classify, ({ input }) => ({ ticket: input.text }))
  .stage("facts", find, () => "bug");
begun.stage("x", draft, { reads: ["kind"] }, (given) => {
  expectTypeOf(given).toEqualTypeOf<{ input: Ticket; kind: { kind: "bug" | "howto" } }>();
  return { question: "", context: [] };
});
begun.stage("x", find, { reads: [] }, (given) => {
  expectTypeOf(given).toEqualTypeOf<{ input: Ticket }>();
  return "";
});
// Options without `reads` leave it at all of them.
begun.stage("x", find, { timeoutMs: 5 }, (given) => {
  expectTypeOf<keyof typeof given>().toEqualTypeOf<"input" | "kind" | "facts">();
  return "";
});
// @ts-expect-error a misspelt stage
begun.stage("x", find, { reads: ["knid"] }, () => "");
// @ts-expect-error what is not read is not given
begun.stage("x", find, { reads: ["kind"] }, ({ facts }) => facts[0]!);
// @ts-expect-error a stage cannot read itself
begun.stage("x", find, { reads: ["x"] }, () => "");

// What a stage gets has to fit its target.
// @ts-expect-error context is missing
begun.stage("x", draft, ({ input }) => ({ question: input.text }));
// @ts-expect-error context is a list
begun.stage("x", draft, ({ input }) => ({ question: input.text, context: "none" }));
// @ts-expect-error the function takes a text
begun.stage("x", find, () => 3);

// Literals in what it gets are as narrow as its target wants them, and lists are its arguments.
declare const rate: Callable<{ kind: "bug" | "howto"; span: [number, number] }, number>;
declare const python: PythonFunction<[string, number[]], number>;
begun
  .stage("rated", rate, ({ facts }) => ({
    kind: facts.length > 1 ? "bug" : "howto",
    span: [0, facts.length],
  }))
  .stage("counted", python, { reads: ["facts"] }, ({ facts }) => [facts[0]!, [1, 2, 3]])
  .stage(
    "run",
    (task: { readonly run: () => number }) => task.run(),
    ({ counted }) => ({ run: () => counted }),
  )
  .stage(
    "any",
    (value: unknown) => value,
    () => undefined,
  )
  .map(
    "each",
    () => [1, 2],
    python,
    (n) => [String(n), [n]],
  );
// @ts-expect-error no such kind
begun.stage("x", rate, () => ({ kind: "praise", span: [0, 1] }));
// @ts-expect-error an argument is missing
begun.stage("x", python, ({ facts }) => [facts[0]!]);
begun.stage(
  "x",
  (task: { readonly run: () => number }) => task.run(),
  // @ts-expect-error a task runs to a number
  () => ({ run: () => "1" }),
);

// Names.
// @ts-expect-error the name kind is taken
begun.stage("kind", find, () => "");
// @ts-expect-error the name input is taken
begun.stage("input", find, () => "");
// @ts-expect-error the name output is taken
begun.stage("output", find, () => "");

// Members of a parallel group do not see one another.
begun.parallel((p) =>
  p
    .stage("a", find, () => "")
    // @ts-expect-error a is not visible here
    .stage("b", find, ({ a }) => a[0]!),
);
begun.parallel((p) =>
  p
    .stage("a", find, () => "")
    // @ts-expect-error nor can it be read
    .stage("b", find, { reads: ["a"] }, () => ""),
);
begun.parallel((p) =>
  p
    .stage("a", find, () => "")
    // @ts-expect-error nor can its name be used again
    .stage("a", find, () => ""),
);
// After the group all of them are seen, and within a `when` in it, steps see those before them.
begun
  .parallel((p) =>
    p
      .stage("a", find, () => "")
      .when(
        ({ kind }) => kind.kind === "bug",
        (q) => q.stage("b", find, () => "").stage("c", find, ({ b }) => b[0]!),
      ),
  )
  .stage("d", find, ({ a, c }) => {
    expectTypeOf(a).toEqualTypeOf<string[]>();
    expectTypeOf(c).toEqualTypeOf<string[] | undefined>();
    return "";
  });

// After `when` a result may be missing.
const conditional = begun.when(
  () => true,
  (p) => p.stage("more", find, () => ""),
);
// @ts-expect-error more may be undefined
conditional.stage("x", find, ({ more }) => more[0]!);

// So may that of a stage which is skipped when it fails; by default it may not.
begun
  .stage("tried", find, { onError: "skip" }, () => "")
  .stage("sure", find, { onError: "fail" }, () => "")
  .output(({ tried, sure }) => {
    expectTypeOf(tried).toEqualTypeOf<string[] | undefined>();
    expectTypeOf(sure).toEqualTypeOf<string[]>();
  });
// @ts-expect-error only a map stage has parts
begun.stage("x", find, { onError: "partial" }, () => "");

// Map stages: one call per item.
begun
  .map(
    "all",
    ({ facts }) => facts,
    draft,
    (fact, { input }) => {
      expectTypeOf(fact).toEqualTypeOf<string>();
      return { question: input.text, context: [fact] };
    },
  )
  .map(
    "some",
    ({ facts }) => facts,
    find,
    (fact) => fact,
    { reads: ["facts"], onError: "partial", concurrency: 2 },
  )
  .map(
    "none",
    ({ all }) => all,
    find,
    ({ answer }) => answer,
    { onError: "skip" },
  )
  .output(({ all, some, none }) => {
    expectTypeOf(all).toEqualTypeOf<{ answer: string; confidence: number }[]>();
    expectTypeOf(some).toEqualTypeOf<(string[] | undefined)[]>();
    expectTypeOf(none).toEqualTypeOf<string[][] | undefined>();
  });
begun.map(
  "x",
  ({ facts }) => facts,
  find,
  // @ts-expect-error an item is a text
  (fact) => fact.length,
);
begun.map(
  "x",
  // @ts-expect-error not a list
  ({ kind }) => kind,
  find,
  () => "",
);
begun.map(
  "x",
  // @ts-expect-error kind is not read
  ({ kind }) => [kind],
  find,
  () => "",
  { reads: ["facts"] },
);

// A pipeline as a stage.
begun
  .stage("sub", support, ({ input }) => input)
  .output(({ sub }) => {
    expectTypeOf(sub).toEqualTypeOf<{ reply: string }>();
  });
// @ts-expect-error the pipeline takes a ticket
begun.stage("sub", support, ({ input }) => input.text);

// An output of the wrong type.
const count: Pipeline<Ticket, number> = begun.output(({ facts }) => facts.length);
// @ts-expect-error it results in a text
const text: Pipeline<Ticket, number> = begun.output(({ facts }) => facts[0]!);
void [count, text];

// A builder that is not ended is no pipeline.
// @ts-expect-error output is missing
runner.run(begun, { text: "", urgent: false });

// A schema: callers give its input, stages see its output.
declare const schema: StandardSchema<{ n: string }, { n: number }>;
const checked = pipeline("checked", { input: schema })
  .stage(
    "twice",
    (n: number) => n * 2,
    ({ input }) => input.n,
  )
  .output(({ twice }) => twice);
expectTypeOf(checked).toEqualTypeOf<Pipeline<{ n: string }, number>>();
// @ts-expect-error an object
pipeline("checked", { input: "ticket" });
