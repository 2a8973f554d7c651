import path from "node:path";
import type { PoolOptions, Runtime, TelemetryEvents } from "dspex";
import { startTestRuntime } from "../../support/runtime.ts";

export interface ForkingRuntime extends AsyncDisposable {
  readonly runtime: Runtime;
  /** What was emitted so far under this name. */
  readonly emitted: <Name extends keyof TelemetryEvents>(name: Name) => readonly TelemetryEvents[Name][];
  /** The zygote of the moment. */
  readonly zygote: () => number;
}

/** A runtime whose workers find the functions of these tests; all of them are ready. */
export async function startForkingRuntime(pool: PoolOptions): Promise<ForkingRuntime> {
  const events: { readonly name: string; readonly fields: unknown }[] = [];
  const runtime = await startTestRuntime(
    { paths: [path.join(import.meta.dirname, "../fixtures")], ...pool },
    { subscribe: (telemetry) => void telemetry.onAny((event) => events.push(event)) },
  );
  const emitted = <Name extends keyof TelemetryEvents>(name: Name): readonly TelemetryEvents[Name][] =>
    events.filter((event) => event.name === name).map(({ fields }) => fields as TelemetryEvents[Name]);
  return {
    runtime,
    emitted,
    zygote: () => emitted("pool.zygote.ready").at(-1)!.pid,
    [Symbol.asyncDispose]: () => runtime.stop(),
  };
}
