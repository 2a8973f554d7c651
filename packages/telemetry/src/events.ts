/**
 * The catalogue of telemetry events: name → fields.
 *
 * Each room declares its own in its `events.ts` by augmenting this interface
 * (`declare module "@dspex/telemetry"`), so a lower room is never edited for a higher one. Names are
 * `<room>.<thing>.<what happened>`; durations end in `Ms`, sizes in `Bytes`.
 */
export interface TelemetryEvents {
  /** A subscriber threw; the event reached all others. */
  "telemetry.subscriber.failed": { readonly event: string; readonly error: string };
}

export type EventName = keyof TelemetryEvents;

/** An event as subscribers get it. */
export type TelemetryEvent<N extends EventName = EventName> = {
  readonly [K in N]: {
    readonly name: K;
    /** Position in the bus's order, from 1. */
    readonly sequence: number;
    /** Monotonic milliseconds of the runtime's clock. */
    readonly atMs: number;
    readonly fields: TelemetryEvents[K];
  };
}[N];
