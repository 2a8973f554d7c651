/** What the choice of a worker looks at. */
export interface WorkerLoad {
  readonly inFlight: number;
  /** Calls that the worker takes at a time. */
  readonly capacity: number;
}

/** The worker with the fewest calls in flight that has room; the first of equals. `undefined` when all are full. */
export function leastLoaded<W extends WorkerLoad>(workers: Iterable<W>): W | undefined {
  let best: W | undefined;
  for (const worker of workers) {
    if (worker.inFlight >= worker.capacity) continue;
    if (best === undefined || worker.inFlight < best.inFlight) best = worker;
  }
  return best;
}
