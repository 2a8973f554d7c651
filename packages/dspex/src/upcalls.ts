import { DspexError } from "@dspex/core";
import { dspyErrorName, type Endpoint, type LmRequest } from "@dspex/lm";
import type { Upcall, UpcallHandler } from "@dspex/pool";
import type { WireValue } from "@dspex/python-bridge";
import { runTool, type Tool } from "./tools.ts";

/** Fills the pool's port: LM requests of Python code go to the endpoint that the call names, the rest to the host's tools. */
export function hostUpcalls(
  endpoints: ReadonlyMap<string, Endpoint>,
  tools: Readonly<Record<string, Tool>>,
): UpcallHandler {
  const find = ({ service, payload }: Upcall): { endpoint: Endpoint; request: LmRequest } => {
    const { endpoint: name, request } = payload as { endpoint: string; request: LmRequest };
    const endpoint = endpoints.get(name);
    if (service === "lm" && endpoint !== undefined) return { endpoint, request };
    throw new DspexError(
      "ERR_INVALID_OPTION",
      `Python asked for ${service} "${name}", which this runtime does not have.`,
      { details: { option: "lm.endpoint", received: name } },
    );
  };
  return {
    async handle(upcall) {
      if (upcall.service === "tool") return (await runTool(tools, upcall)) as WireValue;
      const { endpoint, request } = find(upcall);
      return (await endpoint.complete(request, upcall)) as unknown as WireValue;
    },
    stream(upcall) {
      if (upcall.service === "tool") return undefined;
      const { endpoint, request } = find(upcall);
      return endpoint.stream?.(request, upcall) as AsyncIterable<WireValue> | undefined;
    },
    pythonErrorName: dspyErrorName,
  };
}
