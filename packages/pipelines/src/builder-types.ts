import type { Pipeline } from "./pipeline.ts";
import type { Target } from "./target.ts";

/** Flattens an intersection, so that editors and messages show its fields. */
type Simplify<T> = { [K in keyof T]: T[K] } & {};

/** What a builder writes: steps one after another, a group whose members do not see one another, or the pipeline itself. */
export type Kind = "sequence" | "parallel" | Root<never>;

/** Marks the builder that has `output`, and carries what the pipeline is called with. */
export interface Root<In> {
  readonly input: (input: In) => void;
}

type Nothing = Record<never, never>;

/** What the next step sees. `S` is what was there before this builder, `A` what it added. */
type Visible<S, A, K> = K extends "parallel" ? S : Simplify<S & A>;

/** The stages that a step may read. */
type Stages<V> = Exclude<keyof V, "input"> & string;

/** What a step's functions get: the input, and what it reads. */
type Given<V, R extends PropertyKey> = Simplify<Pick<V, Extract<keyof V, R | "input">>>;

/**
 * What a `map` may return where its target takes a `T`. The compiler knows `T` too late to type the returned literals by it,
 * so it takes them as constants: texts as they are, lists as readonly tuples.
 */
type Fits<T> = unknown extends T
  ? T
  : T extends (...args: never) => unknown
    ? T
    : { readonly [K in keyof T]: Fits<T[K]> };

/** A name, or, when it is taken, a type whose text says so. */
type NewName<N extends string, S, A> = N extends keyof S | keyof A | "output" ? `the name ${N} is taken` : N;

type Next<S, A, K extends Kind> = K extends Root<infer In> ? PipelineBuilder<In, S, A> : Steps<S, A, K>;

export interface RetryOptions {
  /**
   * The most calls of the target for one input, the first included. All that go beyond the first come out of the run's
   * one budget, `furtherAttempts` (G2). An error that says that it is not `retryable` stands at once.
   */
  readonly attempts: number;
}

/** How a stage is run. */
interface StageSettings<R extends string> {
  /**
   * The stages that it reads: it starts as soon as they have ended, whatever else runs, and its functions get exactly
   * these and the input. @default all that are written before it
   */
  readonly reads?: readonly R[];
  /** Time for the whole stage with its retries, in milliseconds, within the run's. @default what the run has left */
  readonly timeoutMs?: number;
  /** @default one attempt */
  readonly retry?: RetryOptions;
}

export interface StageOptions<R extends string, E extends "fail" | "skip"> extends StageSettings<R> {
  /** `fail`: the run fails and what runs is cancelled. `skip`: the result is `undefined`. @default "fail" */
  readonly onError?: E;
}

export interface MapOptions<
  R extends string,
  E extends "fail" | "skip" | "partial",
> extends StageSettings<R> {
  /** As for a stage; `partial`: the results of the items that failed are `undefined`. @default "fail" */
  readonly onError?: E;
  /** Items that are called at a time. @default 8 */
  readonly concurrency?: number;
}

/** What a stage leaves for those that read it. */
type Left<Out, E> = E extends "skip" ? Out | undefined : Out;
type LeftPerItem<Out, E> = E extends "skip"
  ? Out[] | undefined
  : E extends "partial"
    ? (Out | undefined)[]
    : Out[];

/**
 * Writes steps. A builder never changes: each method gives back a new one.
 *
 * Names are JavaScript identifiers, unique in the pipeline, and neither `input` nor `output`. All methods throw
 * `ERR_PIPELINE` for what the compiler could not see, and `ERR_INVALID_OPTION`.
 */
export interface Steps<S, A, K extends Kind> {
  /** Calls `target` with what `map` makes of the results so far. */
  stage<const N extends string, In, Out, const M extends Fits<In>>(
    name: NewName<N, S, A>,
    target: Target<In, Out>,
    map: (results: Visible<S, A, K>) => M,
  ): Next<S, A & Record<N, Out>, K>;
  stage<
    const N extends string,
    In,
    Out,
    const M extends Fits<In>,
    R extends Stages<Visible<S, A, K>> = Stages<Visible<S, A, K>>,
    E extends "fail" | "skip" = "fail",
  >(
    name: NewName<N, S, A>,
    target: Target<In, Out>,
    options: StageOptions<R, E>,
    map: (results: Given<Visible<S, A, K>, R>) => M,
  ): Next<S, A & Record<N, Left<Out, E>>, K>;

  /** Calls `target` once per item; the result is the list of results, in the order of the items. */
  map<
    const N extends string,
    Item,
    In,
    Out,
    const M extends Fits<In>,
    R extends Stages<Visible<S, A, K>> = Stages<Visible<S, A, K>>,
    E extends "fail" | "skip" | "partial" = "fail",
  >(
    name: NewName<N, S, A>,
    items: (results: Given<Visible<S, A, K>, R>) => readonly Item[],
    target: Target<In, Out>,
    map: (item: Item, results: Given<Visible<S, A, K>, R>) => M,
    options?: MapOptions<R, E>,
  ): Next<S, A & Record<N, LeftPerItem<Out, E>>, K>;

  /** A group whose members do not see one another, and run at the same time. */
  parallel<B>(
    build: (group: Steps<Visible<S, A, K>, Nothing, "parallel">) => Steps<Visible<S, A, K>, B, "parallel">,
  ): Next<S, A & B, K>;

  /** Steps that run only where the predicate holds; everywhere else their results are `undefined`. */
  when<B>(
    predicate: (results: Visible<S, A, K>) => boolean,
    build: (steps: Steps<Visible<S, A, K>, Nothing, "sequence">) => Steps<Visible<S, A, K>, B, "sequence">,
  ): Next<S, A & { [N in keyof B]: B[N] | undefined }, K>;

  /** Only for the compiler: what was there before, and what was added. */
  readonly "~steps"?: { readonly seen: S; readonly added: A; readonly kind: K };
}

/** Writes a pipeline. */
export interface PipelineBuilder<In, S, A> extends Steps<S, A, Root<In>> {
  /** Ends the pipeline: what its runs result in. */
  output<Out>(make: (results: Visible<S, A, "sequence">) => Out): Pipeline<In, Out>;
}
