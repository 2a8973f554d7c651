import { DspexError } from "@dspex/core";
import { dspyErrorName, type Endpoint, type LmRequest } from "@dspex/lm";
import type { UpcallHandler } from "@dspex/pool";
import type { WireValue } from "@dspex/python-bridge";

/** Fills the pool's port: LM requests of Python code go to the endpoint that the call names. */
export function lmUpcalls(endpoints: ReadonlyMap<string, Endpoint>): UpcallHandler {
  return {
    async handle(upcall) {
      const { endpoint: name, request } = upcall.payload as { endpoint: string; request: LmRequest };
      const endpoint = endpoints.get(name);
      if (upcall.service !== "lm" || endpoint === undefined)
        throw new DspexError(
          "ERR_INVALID_OPTION",
          `Python asked for ${upcall.service} "${name}", which this runtime does not have.`,
          {
            details: { option: "lm.endpoint", received: name },
          },
        );
      return (await endpoint.complete(request, upcall)) as unknown as WireValue;
    },
    stream: () => undefined,
    pythonErrorName: dspyErrorName,
  };
}
