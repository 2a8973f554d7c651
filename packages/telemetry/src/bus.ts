import { messageOf, type Clock } from "@dspex/core";
import type { EventName, TelemetryEvent, TelemetryEvents } from "./events.ts";

export type Unsubscribe = () => void;

/**
 * Carries events from the rooms to whoever subscribed. An object, not an actor: an event costs a call per subscriber and
 * nothing when nobody listens.
 *
 * Delivery is synchronous and in order. A subscriber that throws harms neither the emitter nor the others; that is
 * itself an event. Subscribers must be quick: what takes time belongs into a queue of theirs.
 */
export interface TelemetryBus {
  emit<N extends EventName>(name: N, fields: TelemetryEvents[N]): void;
  /** Hears one kind of event. */
  on<N extends EventName>(name: N, subscriber: (event: TelemetryEvent<N>) => void): Unsubscribe;
  /** Hears every event. */
  onAny(subscriber: (event: TelemetryEvent) => void): Unsubscribe;
}

export function createTelemetryBus(clock: Clock): TelemetryBus {
  type Subscriber = (event: TelemetryEvent) => void;
  const named = new Map<EventName, Set<Subscriber>>();
  const all = new Set<Subscriber>();
  let sequence = 0;

  const deliver = (subscribers: Iterable<Subscriber>, event: TelemetryEvent): void => {
    for (const subscriber of subscribers) {
      try {
        subscriber(event);
      } catch (error) {
        // A subscriber that fails on this very event would otherwise report its own report for ever.
        if (event.name === "telemetry.subscriber.failed") continue;
        emit("telemetry.subscriber.failed", { event: event.name, error: messageOf(error) });
      }
    }
  };
  const emit: TelemetryBus["emit"] = (name, fields) => {
    const listeners = named.get(name);
    if (listeners === undefined && all.size === 0) return;
    sequence += 1;
    const event = { name, sequence, atMs: clock.now(), fields } as unknown as TelemetryEvent;
    if (listeners !== undefined) deliver(listeners, event);
    deliver(all, event);
  };
  return {
    emit,
    on(name, subscriber) {
      const listeners = named.get(name) ?? new Set();
      named.set(name, listeners.add(subscriber as Subscriber));
      return () => {
        listeners.delete(subscriber as Subscriber);
        if (listeners.size === 0 && named.get(name) === listeners) named.delete(name);
      };
    },
    onAny(subscriber) {
      all.add(subscriber);
      return () => void all.delete(subscriber);
    },
  };
}
