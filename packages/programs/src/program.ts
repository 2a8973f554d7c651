import { choiceOption, invalidOption } from "@dspex/core";
import { toWire } from "@dspex/python-bridge";
import { validateFields, type FieldSpec, type Signature } from "@dspex/signatures";
import { createCallable, poolOf, type CallerPorts } from "./caller.ts";
import { resolveLmSettings, type LmSettings } from "./lm-settings.ts";
import type { StreamingCallable } from "./outcome.ts";
import { moduleNames, specHash, type HistoryField, type ModuleName, type ProgramSpec } from "./spec.ts";

export interface ProgramOptions<M extends ModuleName = ModuleName> {
  /** DSPy's module. @default "Predict" */
  readonly module?: M;
  /** The pool whose workers run it, by name. @default the runtime's first */
  readonly pool?: string;
  /** The endpoint that answers its LM requests, and the parameters that it asks with. */
  readonly lm?: LmSettings;
}

/** What a module returns for a signature's outputs. */
export type ModuleOutput<M extends ModuleName, Out> = M extends "ChainOfThought"
  ? { reasoning: string } & Out
  : Out;

/** A piece of an output field that is a text. What is not a text arrives with the outcome. */
export interface FieldDelta {
  readonly field: string;
  readonly delta: string;
}

/** An earlier turn of a conversation: what went in and what came out, by field. */
export type Turn = Readonly<Record<string, unknown>>;

/** A DSPy program. It holds no state: calls may run at the same time, each on any worker. */
export interface Program<In, Out> extends StreamingCallable<In, Out, FieldDelta> {
  readonly spec: ProgramSpec;
  /** Content hash of the spec. */
  readonly hash: string;
  /**
   * The same program with the conversation so far in its prompt, as DSPy's `History` puts it there.
   *
   * @throws DspexError `ERR_INVALID_OPTION` when the signature has an input `history` of its own.
   */
  withHistory(turns: readonly Turn[]): StreamingCallable<In, Out, FieldDelta>;
}

/** The field that `ChainOfThought` puts before a signature's outputs. */
const reasoning: FieldSpec = { name: "reasoning", type: { kind: "str" }, desc: null };

const history: HistoryField = { name: "history", type: { kind: "history" }, desc: null };

export interface ProgramPorts extends CallerPorts {
  /** Names of the endpoints that exist. */
  readonly endpoints: ReadonlySet<string>;
}

/**
 * A program over a signature.
 *
 * @throws DspexError `ERR_INVALID_OPTION` for an unknown module, endpoint or parameter.
 */
export function createProgram<In, Out, M extends ModuleName = "Predict">(
  signature: Signature<In, Out>,
  options: ProgramOptions<M>,
  ports: ProgramPorts,
): Program<In, ModuleOutput<M, Out>> {
  const module = choiceOption("module", options.module, { default: "Predict", among: moduleNames });
  if (module === "ChainOfThought" && signature.spec.outputs.some(({ name }) => name === reasoning.name))
    throw invalidOption(
      "module",
      module,
      "Predict for a signature that has an output `reasoning` of its own",
    );
  const outputs =
    module === "ChainOfThought" ? [reasoning, ...signature.spec.outputs] : signature.spec.outputs;
  const pool = poolOf(options.pool, ports.pools);
  const { endpoints, config } = resolveLmSettings(options.lm ?? {}, ports.endpoints);

  const callable = (spec: ProgramSpec, hash: string, turns?: readonly Turn[]) =>
    createCallable<In, ModuleOutput<M, Out>, FieldDelta>(
      {
        operation: `${module}:${hash.slice(0, 8)}`,
        target: { program: hash },
        pool,
        spec: toWire(spec),
        endpoints,
        context: (endpoint) => ({ lm: { name: endpoint, config } }),
        idempotent: true,
        input(input) {
          validateFields(signature.spec.inputs, input, "input");
          return turns === undefined ? input : { ...input, [history.name]: { messages: turns } };
        },
        output(value) {
          validateFields(outputs, value, "output");
          return value as ModuleOutput<M, Out>;
        },
      },
      ports,
    );

  const spec: ProgramSpec = { module, signature: signature.spec };
  const hash = specHash(spec);
  return {
    ...callable(spec, hash),
    spec,
    hash,
    withHistory(turns) {
      if (signature.spec.inputs.some(({ name }) => name === history.name))
        throw invalidOption(
          "signature",
          signature.text,
          "without an input `history`: the conversation takes that place",
        );
      const inConversation: ProgramSpec = {
        module,
        signature: { ...signature.spec, inputs: [...signature.spec.inputs, history] },
      };
      return callable(inConversation, specHash(inConversation), turns);
    },
  };
}
