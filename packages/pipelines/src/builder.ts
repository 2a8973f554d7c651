import { choiceOption, durationOption, integerOption, invalidOption, textOption } from "@dspex/core";
import type { MapOptions, PipelineBuilder, StageOptions } from "./builder-types.ts";
import { createDag, type DagNode, type NodeKind } from "./dag.ts";
import { describeAsJson, describeAsMermaid } from "./description.ts";
import { malformed } from "./errors.ts";
import { callOnce, callPerItem } from "./perform.ts";
import { createPipeline, type Pipeline } from "./pipeline.ts";
import type { StandardSchema } from "./standard-schema.ts";
import type { ErrorPolicy, Results, Step, StepSettings } from "./step.ts";
import { describeTarget, type Target } from "./target.ts";

type Schema<In, Out> = StandardSchema<In, Out>;

/**
 * Begins a pipeline. Its input is what the schema, of any library that speaks Standard Schema, takes, and each run's input is
 * checked with it; or the type that is given, `pipeline<Ticket>("support")`, and then nothing is checked.
 *
 * @throws DspexError `ERR_INVALID_OPTION`.
 */
export function pipeline<In, Parsed>(
  name: string,
  options: { readonly input: Schema<In, Parsed> },
): PipelineBuilder<In, { input: Parsed }, Record<never, never>>;
export function pipeline<In>(name: string): PipelineBuilder<In, { input: In }, Record<never, never>>;
export function pipeline(name: string, options: { readonly input?: StandardSchema } = {}): unknown {
  const { input: schema } = options;
  if (schema !== undefined && typeof schema?.["~standard"]?.validate !== "function")
    throw invalidOption("input", schema, "a Standard Schema");
  return new Builder({ pipeline: textOption("name", name), schema, steps: [] }, [], { parallel: false });
}

/** All that is written so far. */
interface Draft {
  readonly pipeline: string;
  readonly schema: StandardSchema | undefined;
  readonly steps: readonly Step[];
}

/** Where in the pipeline a builder writes. */
interface Place {
  /** What it writes stays invisible to what it writes next. */
  readonly parallel: boolean;
  /** The condition that all of it stands under. */
  readonly within?: string;
}

type AnyTarget = Target<unknown, unknown>;
type Map = (results: Results) => unknown;
type AnyStageOptions = StageOptions<string, "fail" | "skip">;
type AnyMapOptions = MapOptions<string, ErrorPolicy>;

/** The one implementation of `Steps` and `PipelineBuilder`, whose types say at compile time what it checks when it runs. */
class Builder {
  readonly #draft: Draft;
  /** The stages that the next step may read. */
  readonly #visible: readonly string[];
  readonly #place: Place;

  constructor(draft: Draft, visible: readonly string[], place: Place) {
    this.#draft = draft;
    this.#visible = visible;
    this.#place = place;
  }

  stage(name: string, target: AnyTarget, ...rest: [Map] | [AnyStageOptions, Map]): Builder {
    const [options, map] = rest.length === 2 ? rest : [{}, rest[0]];
    const settings = this.#settings(name, target, options, ["fail", "skip"]);
    return this.#add(this.#node(name, "stage", options.reads), {
      settings,
      perform: callOnce(target, checkFunction(`${name}.map`, map), settings.attempts ?? 1),
    });
  }

  map(
    name: string,
    items: (results: Results) => readonly unknown[],
    target: AnyTarget,
    map: (item: unknown, results: Results) => unknown,
    options: AnyMapOptions = {},
  ): Builder {
    const settings = this.#settings(name, target, options, ["fail", "skip", "partial"]);
    const concurrency = integerOption(`${name}.concurrency`, options.concurrency, { default: 8, min: 1 });
    return this.#add(this.#node(name, "map", options.reads), {
      settings: { ...settings, concurrency },
      perform: callPerItem(target, checkFunction(`${name}.items`, items), checkFunction(`${name}.map`, map), {
        attempts: settings.attempts ?? 1,
        concurrency,
        partial: options.onError === "partial",
      }),
    });
  }

  parallel(build: (group: Builder) => Builder): Builder {
    const group = new Builder(this.#draft, this.#visible, { ...this.#place, parallel: true });
    return this.#after(build(group).#draft);
  }

  when(predicate: (results: Results) => boolean, build: (steps: Builder) => Builder): Builder {
    const { steps } = this.#draft;
    const conditions = steps.filter(({ node }) => node.kind === "when").length;
    // Names of stages are identifiers, so none of them is this one.
    const within = `when-${conditions + 1}`;
    const condition = this.#place.within === undefined ? {} : { within: this.#place.within };
    const node: DagNode = { name: within, kind: "when", reads: this.#visible, ...condition };
    const perform = checkFunction(`${within}.predicate`, predicate);
    const draft = { ...this.#draft, steps: [...steps, step(node, { settings: {}, perform })] };
    return this.#after(build(new Builder(draft, this.#visible, { parallel: false, within })).#draft);
  }

  output(make: (results: Results) => unknown): Pipeline<unknown, unknown> {
    const { pipeline: name, schema } = this.#draft;
    if (this.#visible.length === 0) throw malformed(name, "it has no stage", []);
    const perform = checkFunction("output", make);
    const output = step({ name: "output", kind: "output", reads: this.#visible }, { settings: {}, perform });
    const written = [...this.#draft.steps, output];
    const dag = createDag(
      name,
      written.map(({ node }) => node),
    );
    const steps = new Map(written.map((each) => [each.node.name, each]));
    return createPipeline(
      { dag, steps, schema },
      { toJSON: () => describeAsJson(dag, steps), toMermaid: () => describeAsMermaid(dag, steps) },
    );
  }

  #node(name: string, kind: NodeKind, reads: readonly string[] | undefined): DagNode {
    const { pipeline: pipelineName, steps } = this.#draft;
    const written = steps.map(({ node }) => node.name);
    if (typeof name !== "string" || !/^[A-Za-z_$][\w$]*$/.test(name) || name === "input" || name === "output")
      throw invalidOption("stage", name, "a JavaScript identifier other than input and output");
    if (written.includes(name)) throw malformed(pipelineName, `two stages have the name "${name}"`, [name]);
    for (const other of reads ?? []) {
      if (this.#visible.includes(other)) continue;
      const why = written.includes(other)
        ? "which it cannot see: members of a parallel group do not see one another"
        : other === name
          ? "itself"
          : "which is no stage before it";
      throw malformed(pipelineName, `stage "${name}" reads "${other}", ${why}`, [name, other]);
    }
    const { within } = this.#place;
    return { name, kind, reads: reads ?? this.#visible, ...(within === undefined ? {} : { within }) };
  }

  #settings(
    name: string,
    target: AnyTarget,
    options: AnyMapOptions,
    policies: readonly ErrorPolicy[],
  ): StepSettings {
    const { timeoutMs, retry, onError } = options;
    return {
      target: describeTarget(`${name}.target`, target),
      ...(timeoutMs === undefined
        ? {}
        : { timeoutMs: durationOption(`${name}.timeoutMs`, timeoutMs, { default: Infinity }) }),
      ...(retry === undefined
        ? {}
        : { attempts: integerOption(`${name}.retry.attempts`, retry.attempts, { default: 1, min: 1 }) }),
      ...(onError === undefined
        ? {}
        : { onError: choiceOption(`${name}.onError`, onError, { default: "fail", among: policies }) }),
    };
  }

  #add(node: DagNode, does: Pick<Step, "settings" | "perform">): Builder {
    return this.#after({ ...this.#draft, steps: [...this.#draft.steps, step(node, does)] });
  }

  /** The builder for what comes next, given all that is written by then. */
  #after(draft: Draft): Builder {
    const added = draft.steps.slice(this.#draft.steps.length).filter(({ node }) => node.kind !== "when");
    const visible = this.#place.parallel
      ? this.#visible
      : [...this.#visible, ...added.map(({ node }) => node.name)];
    return new Builder(draft, visible, this.#place);
  }
}

function step(node: DagNode, does: Pick<Step, "settings" | "perform">): Step {
  const { timeoutMs = Infinity, onError } = does.settings;
  return { node, timeoutMs, toleratesFailure: onError === "skip", ...does };
}

function checkFunction<F>(option: string, value: F): F {
  if (typeof value !== "function") throw invalidOption(option, value, "a function");
  return value;
}
