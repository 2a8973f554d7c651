import { describe, expect, it } from "@jest/globals";
import { createManualClock } from "@dspex/core";
import { createTelemetryBus, type TelemetryEvent } from "@dspex/telemetry";

declare module "@dspex/telemetry" {
  interface TelemetryEvents {
    "test.happened": { readonly n: number };
  }
}

function recorded() {
  const clock = createManualClock(100);
  const bus = createTelemetryBus(clock);
  const events: TelemetryEvent[] = [];
  return { clock, bus, events };
}

describe("the telemetry bus", () => {
  it("delivers in order, with a sequence and the time", () => {
    const { clock, bus, events } = recorded();
    bus.onAny((event) => events.push(event));
    bus.emit("test.happened", { n: 1 });
    clock.advance(5);
    bus.emit("test.happened", { n: 2 });
    expect(events).toEqual([
      { name: "test.happened", sequence: 1, atMs: 100, fields: { n: 1 } },
      { name: "test.happened", sequence: 2, atMs: 105, fields: { n: 2 } },
    ]);
  });

  it("delivers only what was asked for, and nothing after unsubscribing", () => {
    const { bus, events } = recorded();
    const stop = bus.on("test.happened", (event) => events.push(event));
    bus.emit("telemetry.subscriber.failed", { event: "x", error: "y" });
    bus.emit("test.happened", { n: 1 });
    stop();
    bus.emit("test.happened", { n: 2 });
    expect(events.map((event) => event.fields)).toEqual([{ n: 1 }]);
  });

  it("keeps a subscriber that throws away from the emitter and from the others, and reports it", () => {
    const { bus, events } = recorded();
    bus.on("test.happened", () => {
      throw new Error("broken subscriber");
    });
    bus.onAny((event) => events.push(event));
    expect(() => bus.emit("test.happened", { n: 1 })).not.toThrow();
    expect(events.map((event) => event.name).sort()).toEqual([
      "telemetry.subscriber.failed",
      "test.happened",
    ]);
  });

  it("does not report a failing subscriber's failure to hear of its failure", () => {
    const { bus } = recorded();
    let heard = 0;
    bus.onAny(() => {
      heard += 1;
      throw new Error("always");
    });
    bus.emit("test.happened", { n: 1 });
    expect(heard).toBe(2);
  });
});
