import { Writable } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { createRedactor, systemClock } from "@dspex/core";
import { createTelemetryBus, logTelemetry } from "@dspex/telemetry";
import { createLogger, format, transports } from "winston";

function logged(level: string) {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const logger = createLogger({
    level,
    format: format.json(),
    transports: [new transports.Stream({ stream })],
  });
  const bus = createTelemetryBus(systemClock);
  const redactor = createRedactor();
  redactor.add("sk-canary-0123456789");
  logTelemetry(bus, logger, { redactor, levelOf: () => "warn" });
  return { bus, lines };
}

describe("the log subscriber", () => {
  it("G11: logs an event with its fields, and no secret in them", () => {
    const { bus, lines } = logged("info");
    bus.emit("telemetry.subscriber.failed", { event: "a", error: "401 for sk-canary-0123456789" });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        level: "warn",
        message: "telemetry.subscriber.failed",
        fields: { event: "a", error: "401 for [redacted]" },
      },
    ]);
  });

  it("logs nothing below the logger's level", () => {
    const { bus, lines } = logged("error");
    bus.emit("telemetry.subscriber.failed", { event: "a", error: "b" });
    expect(lines).toEqual([]);
  });
});
