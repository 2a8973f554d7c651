import { backoffMs, DspexError, messageOf, type AttemptBudget, type Clock, type Deadline } from "@dspex/core";
import { server, type ChildSpec, type Registry } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";
import type { LmAdapter } from "./adapter.ts";
import { pause } from "./pause.ts";
import type { LmRequest, LmResponse } from "./request.ts";

/** Who asks, and for how long. */
export interface EndpointCall {
  readonly callId: string;
  readonly deadline: Deadline;
  /** Repetitions of a request take from it (G2). */
  readonly budget: AttemptBudget;
  /** Aborted when nobody waits for the reply any more. */
  readonly signal: AbortSignal;
}

/** A language model that programs can ask by name. The handle survives restarts of the actor behind it. */
export interface Endpoint {
  readonly name: string;
  /** @throws DspexError an `ERR_LM_…` code of `docs/errors.md`. */
  complete(request: LmRequest, call: EndpointCall): Promise<LmResponse>;
}

export interface EndpointPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly telemetry: TelemetryBus;
  readonly registry: Registry;
}

/** A request that the actor has taken and not answered. */
interface Pending {
  readonly request: LmRequest;
  readonly call: EndpointCall;
  readonly resolve: (response: LmResponse) => void;
  readonly reject: (error: DspexError) => void;
}

type EndpointMessage =
  | { readonly type: "complete"; readonly pending: Pending }
  | { readonly type: "settled"; readonly pending: Pending };

const backoff = { firstMs: 200, maxMs: 5_000 } as const;

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
      server<Set<Pending>, EndpointMessage>({
        init({ self }) {
          const inFlight = new Set<Pending>();
          const failAll = (): void => {
            for (const pending of inFlight) pending.reject(restarted(name));
          };
          self.subscribe({ complete: failAll, error: failAll });
          return inFlight;
        },
        receive(inFlight, { type, pending }, { self }) {
          if (type === "settled") inFlight.delete(pending);
          else {
            inFlight.add(pending);
            void ask(pending).finally(() => self.send({ type: "settled", pending }));
          }
          return inFlight;
        },
      }),
  };

  const ask = async ({ request, call, resolve, reject }: Pending): Promise<void> => {
    const startedAtMs = clock.now();
    for (let attempts = 1; ; attempts += 1) {
      const settled = { endpoint: name, callId: call.callId, attempts };
      try {
        const response = await adapter.complete(request, call);
        telemetry.emit("lm.request.settled", {
          ...settled,
          ok: true,
          durationMs: clock.now() - startedAtMs,
          inputTokens: response.usage?.input_tokens ?? 0,
          outputTokens: response.usage?.output_tokens ?? 0,
        });
        return resolve(response);
      } catch (thrown) {
        const error = asDspexError(name, thrown);
        const delayMs = retryDelayMs(error, attempts, ports.random);
        if (
          error.retryable &&
          delayMs < call.deadline.remainingMs &&
          !call.signal.aborted &&
          call.budget.take()
        ) {
          telemetry.emit("lm.request.retried", {
            endpoint: name,
            callId: call.callId,
            code: error.code,
            delayMs,
          });
          await pause(clock, delayMs, call.signal);
          continue;
        }
        telemetry.emit("lm.request.settled", {
          ...settled,
          ok: false,
          code: error.code,
          durationMs: clock.now() - startedAtMs,
          inputTokens: 0,
          outputTokens: 0,
        });
        return reject(error);
      }
    }
  };

  return {
    spec,
    endpoint: {
      name,
      complete: (request, call) =>
        new Promise((resolve, reject) => {
          const actor = registry.whereis(actorName);
          if (actor === undefined) reject(restarted(name));
          else actor.send({ type: "complete", pending: { request, call, resolve, reject } });
        }),
    },
  };
}

function retryDelayMs(error: DspexError, attempts: number, random: () => number): number {
  const asked = (error.details as { readonly retryAfterMs?: number }).retryAfterMs;
  return asked ?? backoffMs(attempts, backoff, random);
}

/** Adapters throw our errors; one that throws something else is broken, and its request did not get an answer. */
function asDspexError(endpoint: string, thrown: unknown): DspexError {
  if (DspexError.is(thrown)) return thrown;
  return new DspexError(
    "ERR_LM_ADAPTER",
    `The adapter of endpoint "${endpoint}" failed: ${messageOf(thrown)}`,
    {
      details: { endpoint },
      cause: thrown,
    },
  );
}

function restarted(endpoint: string): DspexError {
  return new DspexError(
    "ERR_LM_ENDPOINT_RESTARTED",
    `Endpoint "${endpoint}" was restarted with the request in flight.`,
    {
      details: { endpoint },
      retryable: true,
    },
  );
}
