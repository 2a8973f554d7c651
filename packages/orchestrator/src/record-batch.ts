import type { Clock, Timer } from "@dspex/core";
import type { TelemetryBus, Unsubscribe } from "@dspex/telemetry";
import type { LearnerRecord } from "./entry.ts";

/** Records are handed over at this age, in milliseconds, */
const maxAgeMs = 1;

/** or when there are so many. */
const maxRecords = 256;

/** Gathers what the learner learns from: the emitter of an event pays for a push, and the learner for a message per batch. */
export class RecordBatch {
  readonly #clock: Clock;
  readonly #take: (records: readonly LearnerRecord[]) => void;
  readonly #unsubscribe: readonly Unsubscribe[];
  #records: LearnerRecord[] = [];
  #timer: Timer | undefined;

  constructor(
    ports: { readonly clock: Clock; readonly telemetry: TelemetryBus },
    take: (records: readonly LearnerRecord[]) => void,
  ) {
    this.#clock = ports.clock;
    this.#take = take;
    this.#unsubscribe = [
      ports.telemetry.on(
        "lm.request.settled",
        ({ sequence, fields: { callId, endpoint, ok, code, durationMs } }) => {
          // Nobody waited for it any more: how long it took and that it failed is not the endpoint's doing.
          if (code !== "ERR_CANCELLED")
            this.#add({ entry: "request", sequence, callId, endpoint, ok, durationMs });
        },
      ),
      ports.telemetry.on("call.settled", ({ sequence, fields: { callId, ok, durationMs } }) =>
        this.#add({ entry: "call", sequence, callId, ok, durationMs }),
      ),
    ];
  }

  /** What has not been handed over is dropped. */
  close(): void {
    this.#timer?.cancel();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #add(record: LearnerRecord): void {
    this.#records.push(record);
    if (this.#records.length >= maxRecords) this.#handOver();
    else this.#timer ??= this.#clock.setTimeout(() => this.#handOver(), maxAgeMs);
  }

  #handOver(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const records = this.#records;
    this.#records = [];
    this.#take(records);
  }
}
