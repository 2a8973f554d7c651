import type { Runtime } from "../runtime.ts";

export interface Chaos {
  readonly workersKilled: number;
  /** Looks for a victim; to be called while calls are in flight. */
  strike(): void;
}

/**
 * Kills one busy worker with SIGKILL. A worker whose answers were all on their way when it died has lost nothing; then it
 * was not busy after all, and the next strike takes another.
 */
export function createChaos(runtime: Runtime): Chaos {
  let killed = 0;
  let waiting = false;
  let satisfied = false;
  runtime.telemetry.on("pool.worker.exited", ({ fields }) => {
    if (fields.expected) return;
    waiting = false;
    satisfied ||= fields.lost > 0;
  });
  return {
    get workersKilled() {
      return killed;
    },
    strike() {
      if (waiting || satisfied) return;
      const [victim] = runtime.workers().toSorted((a, b) => b.inFlight - a.inFlight);
      if (victim === undefined || victim.inFlight === 0) return;
      process.kill(victim.pid, "SIGKILL");
      killed += 1;
      waiting = true;
    },
  };
}
