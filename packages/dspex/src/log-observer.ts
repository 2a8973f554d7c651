import { createRedactor } from "@dspex/core";
import { server, type ChildSpec } from "@dspex/supervisors";
import {
  createRuntimeLogger,
  logTelemetry,
  type LevelOf,
  type LogLevel,
  type TelemetryBus,
} from "@dspex/telemetry";

/** What an operator wants to see without asking; the rest is `debug`. */
const levelOf: LevelOf = (event) => {
  switch (event.name) {
    case "pool.worker.exited":
    case "pool.zygote.exited":
      return event.fields.expected ? "info" : "warn";
    case "pool.worker.log":
      return event.fields.level;
    case "pool.worker.ready":
    case "pool.zygote.ready":
    case "supervisor.report":
      return "info";
    case "pool.call.retried":
    case "pool.run.reaped":
    case "pool.run.unregistered":
    case "pool.worker.missed":
    case "lm.request.retried":
    case "telemetry.subscriber.failed":
      return "warn";
    default:
      return "debug";
  }
};

/** Writes the telemetry of the runtime to standard error, as JSON lines. */
export function logObserverSpec(telemetry: TelemetryBus, level: LogLevel): ChildSpec {
  return {
    id: "log",
    start: () =>
      server<() => void, never>({
        init() {
          const logger = createRuntimeLogger(level);
          const unsubscribe = logTelemetry(telemetry, logger, { redactor: createRedactor(), levelOf });
          return () => {
            unsubscribe();
            logger.close();
          };
        },
        receive: (stop) => stop,
        terminate: (stop) => stop(),
      }),
  };
}
