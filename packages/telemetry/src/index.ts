export { createTelemetryBus, type TelemetryBus, type Unsubscribe } from "./bus.ts";
export type { EventName, TelemetryEvent, TelemetryEvents } from "./events.ts";
export { createRuntimeLogger, logTelemetry, type LevelOf, type LogLevel } from "./log-subscriber.ts";
