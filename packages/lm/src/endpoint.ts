import { DspexError, type LazySignal } from "@dspex/core";
import { server, type ChildSpec, type Registry } from "@dspex/supervisors";
import type { LmAdapter, LmCallOptions } from "./adapter.ts";
import type { EndpointCall } from "./endpoint-call.ts";
import { EndpointRequest } from "./endpoint-request.ts";
import type { RepeatPorts } from "./repeat.ts";
import type { LmRequest, LmResponse, LmUsage } from "./request.ts";
import type { LmStreamEvent } from "./stream-event.ts";

/** A language model that programs can ask by name. The handle survives restarts of the actor behind it. */
export interface Endpoint {
  readonly name: string;
  /** @throws DspexError an `ERR_LM_…` code of `docs/errors.md`. */
  complete(request: LmRequest, call: EndpointCall): Promise<LmResponse>;
  /**
   * The reply as it is written; absent when the adapter only gives whole ones. A request is repeated only until its first
   * event: what was read cannot be taken back. Leaving the loop ends the request.
   */
  readonly stream?: (request: LmRequest, call: EndpointCall) => AsyncIterable<LmStreamEvent>;
}

export interface EndpointPorts extends RepeatPorts {
  readonly registry: Registry;
}

type EndpointMessage = { readonly type: "begin"; readonly request: EndpointRequest };

/**
 * An endpoint: its handle, and the actor that `tree.ts` puts under `lm`. With the actor end the requests that were made
 * through it, at once: they do not wait for their deadlines, and nobody goes on asking for them.
 */
export function createEndpoint(
  name: string,
  adapter: LmAdapter,
  ports: EndpointPorts,
): { endpoint: Endpoint; spec: ChildSpec } {
  const actorName = `lm.${name}`;
  /** Requests that are not over. One that was sent to the actor and did not reach it is among them. */
  const inFlight = new Set<EndpointRequest>();

  const spec: ChildSpec = {
    id: name,
    name: actorName,
    start: () =>
      server<undefined, EndpointMessage>({
        init({ self }) {
          const failAll = (): void => {
            for (const request of inFlight) request.fail(restarted(name));
          };
          self.subscribe({ complete: failAll, error: failAll });
          return undefined;
        },
        receive(_state, { request }) {
          request.begin();
          return undefined;
        },
      }),
  };

  /** Sends a request to the actor. */
  const submit = (call: EndpointCall): EndpointRequest => {
    const request = new EndpointRequest(name, call, ports, () => inFlight.delete(request));
    inFlight.add(request);
    const actor = ports.registry.whereis(actorName);
    if (actor === undefined) request.fail(restarted(name));
    else actor.send({ type: "begin", request });
    return request;
  };

  const complete: Endpoint["complete"] = async (asked, call) => {
    const request = submit(call);
    const response = await request.attempt(() => adapter.complete(asked, callOptions(request.signal)));
    request.succeed(response.usage);
    return response;
  };

  async function* stream(asked: LmRequest, call: EndpointCall): AsyncGenerator<LmStreamEvent, void, void> {
    const request = submit(call);
    let events: AsyncIterator<LmStreamEvent> | undefined;
    try {
      let step = await request.attempt(() => {
        events = adapter.stream!(asked, callOptions(request.signal))[Symbol.asyncIterator]();
        return events.next();
      });
      let usage: LmUsage | undefined;
      while (step.done !== true) {
        if (step.value.type === "end") usage = step.value.usage;
        yield step.value;
        step = await request.until(events!.next());
      }
      request.succeed(usage);
    } finally {
      // Whoever leaves early does not wait for the connection to close.
      request.leave();
      void events?.return?.().catch(() => {});
    }
  }

  return { spec, endpoint: { name, complete, ...(adapter.stream === undefined ? {} : { stream }) } };
}

function callOptions(lazy: LazySignal): LmCallOptions {
  return {
    get signal() {
      return lazy.signal;
    },
  };
}

function restarted(endpoint: string): DspexError {
  return new DspexError(
    "ERR_LM_ENDPOINT_RESTARTED",
    `Endpoint "${endpoint}" was restarted with the request in flight.`,
    { details: { endpoint }, retryable: true },
  );
}
