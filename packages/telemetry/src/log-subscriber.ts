import type { Redactor } from "@dspex/core";
import { createLogger, format, transports, type Logger } from "winston";
import type { TelemetryBus, Unsubscribe } from "./bus.ts";
import type { EventName, TelemetryEvent } from "./events.ts";

export type LogLevel = "error" | "warn" | "info" | "debug";

/** The level at which an event is logged. What is not named here is `debug`. */
export type LevelOf = (event: TelemetryEvent) => LogLevel;

/** Winston's logger as the runtime uses it: JSON lines on standard error, so that standard output stays the program's. */
export function createRuntimeLogger(level: LogLevel): Logger {
  return createLogger({
    level,
    format: format.combine(format.timestamp(), format.json()),
    transports: [new transports.Console({ stderrLevels: ["error", "warn", "info", "debug"] })],
  });
}

/**
 * Logs every event of the bus, secrets masked.
 *
 * @param logger any winston logger; the caller closes it.
 */
export function logTelemetry(
  bus: TelemetryBus,
  logger: Logger,
  options: { readonly redactor: Redactor; readonly levelOf: LevelOf },
): Unsubscribe {
  return bus.onAny((event) => {
    const level = options.levelOf(event);
    if (!logger.isLevelEnabled(level)) return;
    const name: EventName = event.name;
    logger.log({ level, message: name, fields: options.redactor.value(event.fields) });
  });
}
