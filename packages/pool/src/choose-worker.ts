/** What the choice of a worker looks at. */
export interface WorkerLoad {
  /** Where it stands among the others; its replacement stands there, too. */
  readonly place: number;
  readonly inFlight: number;
  /** Calls that the worker takes at a time at present; 0 when it takes no further one. */
  readonly capacity: number;
}

/**
 * The worker for the next call; `undefined` when all are full. Calls with an affinity go to the worker that their key
 * prefers while it has room; the others, and those that it turns away, to the least loaded one, the first of equals.
 *
 * @param nested the call is made inside of another one: it needs no room, because that one keeps its own until this one ends.
 */
export function chooseWorker<W extends WorkerLoad>(
  workers: Iterable<W>,
  affinity?: string,
  nested = false,
): W | undefined {
  let least: W | undefined;
  let preferred: W | undefined;
  let preference = -1;
  for (const worker of workers) {
    if (affinity !== undefined) {
      const score = rendezvous(affinity, worker.place);
      if (score > preference) [preferred, preference] = [worker, score];
    }
    if (!hasRoom(worker, nested)) continue;
    if (least === undefined || worker.inFlight < least.inFlight) least = worker;
  }
  return preferred !== undefined && hasRoom(preferred, nested) ? preferred : least;
}

/** Whether a worker takes another call; see {@link chooseWorker} for `nested`. */
export function hasRoom({ inFlight, capacity }: WorkerLoad, nested = false): boolean {
  return inFlight < (nested && capacity > 0 ? Infinity : capacity);
}

/**
 * How much a key prefers a place: rendezvous hashing (Thaler & Ravishankar, 1996), so that the keys of a place that is empty spread over the
 * others and all other keys stay where they are. By place and not by worker, a replacement gets the keys of its predecessor and no
 * other. FNV-1a, 32 bits, finished by a mix of its bits.
 */
function rendezvous(key: string, place: number): number {
  let hash = 0x811c9dc5;
  for (const text of [key, "\0", String(place)])
    for (let index = 0; index < text.length; index += 1)
      hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
