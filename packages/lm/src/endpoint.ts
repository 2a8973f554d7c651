import { deferred, DspexError } from "@dspex/core";
import { server, type ChildSpec, type Registry } from "@dspex/supervisors";
import { aborted } from "./aborted.ts";
import type { LmAdapter } from "./adapter.ts";
import type { EndpointCall } from "./endpoint-call.ts";
import { asDspexError, repeat, type RepeatPorts } from "./repeat.ts";
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

/** A request that the actor has taken and that is not over. */
interface InFlight {
  /** Does it; never rejects. */
  readonly run: () => Promise<void>;
  readonly fail: (error: DspexError) => void;
}

type EndpointMessage = { readonly type: "begin" | "over"; readonly request: InFlight };

/**
 * An endpoint: its handle, and the actor that `tree.ts` puts under `lm`. The actor holds what is in flight, so that its
 * end fails those requests at once instead of leaving them to their deadlines.
 */
export function createEndpoint(
  name: string,
  adapter: LmAdapter,
  ports: EndpointPorts,
): { endpoint: Endpoint; spec: ChildSpec } {
  const { registry, telemetry, clock } = ports;
  const actorName = `lm.${name}`;

  const spec: ChildSpec = {
    id: name,
    name: actorName,
    start: () =>
      server<Set<InFlight>, EndpointMessage>({
        init({ self }) {
          const inFlight = new Set<InFlight>();
          const failAll = (): void => {
            for (const request of inFlight) request.fail(restarted(name));
          };
          self.subscribe({ complete: failAll, error: failAll });
          return inFlight;
        },
        receive(inFlight, { type, request }, { self }) {
          if (type === "over") inFlight.delete(request);
          else {
            inFlight.add(request);
            void request.run().finally(() => self.send({ type: "over", request }));
          }
          return inFlight;
        },
      }),
  };

  const begin = (request: InFlight): void => {
    const actor = registry.whereis(actorName);
    if (actor === undefined) request.fail(restarted(name));
    else actor.send({ type: "begin", request });
  };

  /** Emits the one record of a request that is over. */
  const recorder = ({ callId }: EndpointCall) => {
    const startedAtMs = clock.now();
    return (
      attempts: number,
      outcome: { readonly error: DspexError } | { readonly usage: LmUsage | undefined },
    ): void =>
      telemetry.emit("lm.request.settled", {
        endpoint: name,
        callId,
        attempts,
        durationMs: clock.now() - startedAtMs,
        inputTokens: 0,
        outputTokens: 0,
        ...("error" in outcome
          ? { ok: false, code: outcome.error.code }
          : {
              ok: true,
              inputTokens: outcome.usage?.input_tokens ?? 0,
              outputTokens: outcome.usage?.output_tokens ?? 0,
            }),
      });
  };

  const complete: Endpoint["complete"] = (request, call) =>
    new Promise((resolve, reject) => {
      const record = recorder(call);
      const run = async (): Promise<void> => {
        const outcome = await repeat(name, call, () => adapter.complete(request, call), ports);
        record(outcome.attempts, outcome.ok ? { usage: outcome.value.usage } : outcome);
        if (outcome.ok) resolve(outcome.value);
        else reject(outcome.error);
      };
      begin({ run, fail: reject });
    });

  async function* stream(request: LmRequest, call: EndpointCall): AsyncGenerator<LmStreamEvent, void, void> {
    const record = recorder(call);
    const over = deferred<void>();
    const gone = deferred<never>();
    gone.promise.catch(() => {});
    begin({ run: () => over.promise, fail: gone.reject });
    let events: AsyncIterator<LmStreamEvent> | undefined;
    const open = (): Promise<IteratorResult<LmStreamEvent>> => {
      events = adapter.stream!(request, call)[Symbol.asyncIterator]();
      return events.next();
    };
    let attempts = 0;
    // What it stays when the reader leaves early.
    let outcome: Parameters<typeof record>[1] = { error: aborted(call.signal, "reading the language model") };
    try {
      const opened = await Promise.race([repeat(name, call, open, ports), gone.promise]);
      attempts = opened.attempts;
      if (!opened.ok) throw opened.error;
      let usage: LmUsage | undefined;
      for (
        let step = opened.value;
        step.done !== true;
        step = await Promise.race([events!.next(), gone.promise])
      ) {
        if (step.value.type === "end") usage = step.value.usage;
        yield step.value;
      }
      outcome = { usage };
    } catch (thrown) {
      const error = asDspexError(name, thrown);
      outcome = { error };
      throw error;
    } finally {
      record(attempts, outcome);
      over.resolve();
      // Whoever leaves early does not wait for the connection to close.
      void events?.return?.().catch(() => {});
    }
  }

  return { spec, endpoint: { name, complete, ...(adapter.stream === undefined ? {} : { stream }) } };
}

function restarted(endpoint: string): DspexError {
  return new DspexError(
    "ERR_LM_ENDPOINT_RESTARTED",
    `Endpoint "${endpoint}" was restarted with the request in flight.`,
    { details: { endpoint }, retryable: true },
  );
}
