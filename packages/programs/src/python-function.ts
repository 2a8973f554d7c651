import { choiceOption, invalidOption } from "@dspex/core";
import { createCallable, poolOf } from "./caller.ts";
import { resolveLmSettings, type LmSettings } from "./lm-settings.ts";
import type { StreamingCallable } from "./outcome.ts";
import type { ProgramPorts } from "./program.ts";

export interface PythonFunctionOptions {
  /** The pool whose workers run it, by name. @default the runtime's first */
  readonly pool?: string;
  /**
   * `"job"`: each call gets a process of its own, which is ended with it. For what takes long and much (an optimizer, a large evaluation):
   * it takes no place from other calls, and cancelling it ends everything that it started. A job costs the start of a process; as many
   * run at a time as the pool's `jobs`. Give it the time it needs with `timeoutMs`. @default "call": on a worker, beside other calls
   */
  readonly lane?: "call" | "job";
  /**
   * The endpoint that answers the LM requests of DSPy programs in it, and the parameters that they ask with.
   * @default none: DSPy has no LM there
   */
  readonly lm?: LmSettings;
}

/** A plain Python function: `call([a, b])` calls it with these arguments; a generator of `Item`s is read with `stream([a, b])`. */
export type PythonFunction<Args extends readonly unknown[], Result, Item = unknown> = StreamingCallable<
  Args,
  Result,
  Item
>;

/**
 * A Python function as a callable. What it takes and returns is the caller's word: it is not checked.
 *
 * @param path `"package.module:name"`, found on the pool's `paths` or in its environment. An `async def` runs on the
 * worker's event loop, a `def` on one of its threads. `"package.module:Class.method"` is called on the one instance that each worker
 * makes of the class, and `"package.module:Class"` calls that instance: without arguments, entered where it is a context manager, sync or
 * async, and closed when the worker leaves.
 * @throws DspexError `ERR_INVALID_OPTION` when `path` is not of that form, and for an unknown endpoint or parameter.
 */
export function createPythonFunction<Args extends readonly unknown[], Result, Item = unknown>(
  path: string,
  options: PythonFunctionOptions,
  ports: ProgramPorts,
): PythonFunction<Args, Result, Item> {
  if (!/^[\w.]+:\w+(\.\w+)*$/.test(path))
    throw invalidOption("path", path, 'a module and a name, "package.module:name"');
  const lane = choiceOption("lane", options.lane, { default: "call", among: ["call", "job"] });
  const lm = options.lm && resolveLmSettings(options.lm, ports.endpoints);
  return createCallable<Args, Result, Item>(
    {
      operation: path,
      target: { function: path },
      pool: poolOf(options.pool, ports.pools),
      endpoints: lm?.endpoints ?? [],
      context: (endpoint) => (lm === undefined ? {} : { lm: { name: endpoint, config: lm.config } }),
      idempotent: false,
      lane: lane === "job" ? lane : undefined,
      input(args) {
        if (!Array.isArray(args)) throw invalidOption("input", args, "the list of the function's arguments");
        return args;
      },
      output: (value) => value as Result,
    },
    ports,
  );
}
