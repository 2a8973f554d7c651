import { invalidOption } from "@dspex/core";
import { createEndpoint, type Endpoint, type EndpointPorts } from "@dspex/lm";
import {
  createPool,
  guardianSpec,
  resolvePoolOptions,
  type GuardianOptions,
  type Pool,
  type PoolPorts,
} from "@dspex/pool";
import type { ChildSpec } from "@dspex/supervisors";
import { defaultInterpreter } from "./interpreter.ts";
import type { RuntimeOptions } from "./runtime-options.ts";
import { hostUpcalls } from "./upcalls.ts";

/** What calls run on: the endpoints and pools of a runtime, and their places in the tree. */
export interface Resources {
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** At least one; programs that name none run in the first. */
  readonly pools: readonly [Pool, ...Pool[]];
  readonly specs: {
    readonly endpoints: readonly ChildSpec[];
    readonly guardian: ChildSpec;
    readonly pools: readonly ChildSpec[];
  };
}

/** @throws DspexError `ERR_INVALID_OPTION`, `ERR_PYTHON_ENVIRONMENT`. */
export function createResources(
  options: Pick<RuntimeOptions, "lm" | "pools" | "tools">,
  ports: EndpointPorts & Omit<PoolPorts, "upcalls"> & Omit<GuardianOptions, "python">,
): Resources {
  const lm = Object.entries(options.lm ?? {}).map(([name, adapter]) => createEndpoint(name, adapter, ports));
  const endpoints = new Map(lm.map(({ endpoint }) => [endpoint.name, endpoint]));

  const upcalls = hostUpcalls(endpoints, options.tools ?? {});
  const resolved = Object.entries(options.pools ?? { dspy: {} }).map(
    ([name, pool]) => [name, resolvePoolOptions(`pools.${name}`, pool, defaultInterpreter)] as const,
  );
  const [first, ...others] = resolved.map(([name, pool]) => createPool(name, pool, { ...ports, upcalls }));
  if (first === undefined) throw invalidOption("pools", options.pools, "at least one pool by its name");

  return {
    endpoints,
    pools: [first.pool, ...others.map(({ pool }) => pool)],
    specs: {
      endpoints: lm.map(({ spec }) => spec),
      guardian: guardianSpec({ ...ports, python: resolved[0]![1].python }),
      pools: [first, ...others].map(({ spec }) => spec),
    },
  };
}
