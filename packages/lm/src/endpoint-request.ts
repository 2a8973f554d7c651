import { deferred, LazySignal, type DspexError } from "@dspex/core";
import { aborted } from "./aborted.ts";
import type { EndpointCall } from "./endpoint-call.ts";
import { asDspexError, repeat, type RepeatPorts } from "./repeat.ts";
import type { LmUsage } from "./request.ts";

/** One request to an endpoint, from its making to its end. It ends once, whoever ends it, and leaves one record. */
export class EndpointRequest {
  /** Aborted by the caller, and when the request has ended in any other way. */
  readonly signal: LazySignal;
  readonly #endpoint: string;
  readonly #call: EndpointCall;
  readonly #ports: RepeatPorts;
  readonly #onOver: () => void;
  readonly #startedAtMs: number;
  readonly #begun = deferred<void>();
  #attempts = 0;
  /** Whoever waits for the adapter. */
  #waiting: ((error: DspexError) => void) | undefined;
  #ended: { readonly error: DspexError | undefined } | undefined;

  constructor(endpoint: string, call: EndpointCall, ports: RepeatPorts, onOver: () => void) {
    this.#endpoint = endpoint;
    this.#call = call;
    this.#ports = ports;
    this.#onOver = onOver;
    this.#startedAtMs = ports.clock.now();
    this.signal = new LazySignal(() => call.signal);
  }

  /** The actor has it. */
  begin(): void {
    this.#begun.resolve();
  }

  /** Asks, and again while that may help; then waits for nothing any more. */
  async attempt<T>(once: () => Promise<T>): Promise<T> {
    const outcome = await this.until(
      this.#begun.promise.then(() => repeat(this.#endpoint, this.#call, this.signal, once, this.#ports)),
    );
    this.#attempts = outcome.attempts;
    if (outcome.ok) return outcome.value;
    this.#end({ error: outcome.error });
    throw outcome.error;
  }

  /** Waits for the adapter, or for the end of the request. A failure ends it. */
  until<T>(step: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended?.error !== undefined) return reject(this.#ended.error);
      this.#waiting = reject;
      step.then(resolve, (thrown: unknown) => {
        const error = asDspexError(this.#endpoint, thrown);
        this.#end({ error });
        reject(error);
      });
    });
  }

  succeed(usage: LmUsage | undefined): void {
    this.#end({ error: undefined, usage });
  }

  /** Ends it from outside. */
  fail(error: DspexError): void {
    this.#end({ error });
    this.#waiting?.(error);
  }

  /** Its reader leaves: the end, when it has not come yet. */
  leave(): void {
    if (this.#ended === undefined)
      this.#end({ error: aborted(this.signal.signal, "reading the language model") });
  }

  #end(outcome: { readonly error: DspexError | undefined; readonly usage?: LmUsage | undefined }): void {
    if (this.#ended !== undefined) return;
    const { error, usage } = outcome;
    this.#ended = { error };
    this.#onOver();
    if (error !== undefined) this.signal.abort(error);
    this.#ports.telemetry.emit("lm.request.settled", {
      endpoint: this.#endpoint,
      callId: this.#call.callId,
      attempts: this.#attempts,
      ok: error === undefined,
      ...(error === undefined ? {} : { code: error.code }),
      durationMs: this.#ports.clock.now() - this.#startedAtMs,
      inputTokens: usage?.input_tokens ?? 0,
      outputTokens: usage?.output_tokens ?? 0,
    });
  }
}
