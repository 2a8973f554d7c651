import { choiceOption, durationOption, integerOption, invalidOption } from "@dspex/core";
import {
  resolveChildSpec,
  resolveChildSpecs,
  type AutoShutdown,
  type ChildSpec,
  type ResolvedChildSpec,
} from "./child-spec.ts";
import { oneForAll } from "./one-for-all.ts";
import { oneForOne } from "./one-for-one.ts";
import { restForOne } from "./rest-for-one.ts";
import type { RestartLimit } from "./restart-window.ts";
import { simpleOneForOne } from "./simple-one-for-one.ts";
import type { Strategy } from "./strategy.ts";

export interface SupervisorOptions {
  /** The children, in start order; they are stopped in reverse. */
  readonly children: readonly ChildSpec[];
  /** Who else is restarted with a child. @default "one_for_one" */
  readonly strategy?: "one_for_one" | "one_for_all" | "rest_for_one";
  /** More restarts than this within `periodMs`, of all children together, end the supervisor. @default 1 */
  readonly intensity?: number;
  /** @default 5_000 */
  readonly periodMs?: number;
  /** @default "never" */
  readonly auto_shutdown?: AutoShutdown;
}

export interface DynamicSupervisorOptions<Args extends readonly unknown[] = readonly never[]> {
  /**
   * What every instance is made from (OTP's simple_one_for_one): `startChild(ref, [..args])` hands its arguments to the
   * template's `start`, and so does each restart. Without a template, `startChild(ref, spec)` takes any specification, as
   * Elixir's DynamicSupervisor does. @default none
   */
  readonly template?: ChildSpec<Args>;
  /** What the `start` of every child is given before its own arguments, as Elixir's DynamicSupervisor does. @default none */
  readonly extra_arguments?: readonly unknown[];
  /** More restarts than this within `periodMs`, of all children together, end the supervisor. @default 1 */
  readonly intensity?: number;
  /** @default 5_000 */
  readonly periodMs?: number;
  /** The most children at a time; those that are being restarted count. @default Infinity */
  readonly max_children?: number;
}

/** Options of either kind of supervisor, complete. */
export interface ResolvedSupervisorOptions extends RestartLimit {
  readonly kind: "static" | "template" | "dynamic";
  readonly strategy: Strategy;
  readonly auto_shutdown: AutoShutdown;
  readonly children: readonly ResolvedChildSpec[];
  readonly template: ResolvedChildSpec | undefined;
  readonly extra_arguments: readonly unknown[];
  readonly max_children: number;
}

const strategies = { one_for_one: oneForOne, one_for_all: oneForAll, rest_for_one: restForOne } as const;
const strategyNames = Object.keys(strategies) as (keyof typeof strategies)[];
const autoShutdowns = ["never", "any_significant", "all_significant"] as const;

export function resolveSupervisorOptions(options: SupervisorOptions): ResolvedSupervisorOptions {
  const auto_shutdown = choiceOption("auto_shutdown", options.auto_shutdown, {
    default: "never",
    among: autoShutdowns,
  });
  const strategy = choiceOption("strategy", options.strategy, {
    default: "one_for_one",
    among: strategyNames,
  });
  return {
    kind: "static",
    ...restartLimit(options),
    strategy: strategies[strategy],
    auto_shutdown,
    children: resolveChildSpecs(options.children, "children", auto_shutdown),
    template: undefined,
    extra_arguments: [],
    max_children: Infinity,
  };
}

export function resolveDynamicOptions<Args extends readonly unknown[]>(
  options: DynamicSupervisorOptions<Args>,
): ResolvedSupervisorOptions {
  const { max_children = Infinity, extra_arguments = [] } = options;
  if (!Array.isArray(extra_arguments))
    throw invalidOption("extra_arguments", extra_arguments, "a list of arguments");
  const template =
    options.template === undefined
      ? undefined
      : resolveChildSpec(options.template as ChildSpec<readonly unknown[]>, "template", "never");
  return {
    kind: template === undefined ? "dynamic" : "template",
    ...restartLimit(options),
    strategy: simpleOneForOne,
    auto_shutdown: "never",
    children: [],
    template,
    extra_arguments,
    max_children:
      max_children === Infinity
        ? Infinity
        : integerOption("max_children", max_children, { default: 0, min: 0 }),
  };
}

function restartLimit(options: { readonly intensity?: number; readonly periodMs?: number }): RestartLimit {
  const periodMs = durationOption("periodMs", options.periodMs, { default: 5_000, min: Number.MIN_VALUE });
  if (periodMs === Infinity)
    throw invalidOption("periodMs", periodMs, "finite: restarts must be forgotten some time");
  return { intensity: integerOption("intensity", options.intensity, { default: 1, min: 0 }), periodMs };
}
