import { FairQueue, type Place } from "./fair-queue.ts";

/** What the queue asks of an item. */
export interface Waiting {
  readonly request: { readonly priority?: number | undefined; readonly tenant?: string | undefined };
}

export interface QueueLimits {
  /** Items in all. */
  readonly limit: number;
  /** Items of one tenant; those without a tenant are not counted here. */
  readonly tenantLimit: number;
}

/**
 * Items that wait for any worker, and beside them those that wait for one worker and no other: bounded as a whole and for each tenant (G4),
 * fair among tenants inside of each. What waits for a worker that is busy is in nobody's way.
 */
export class CallQueue<T extends Waiting, W = never> {
  /** Those that any worker may take. */
  readonly free: FairQueue<T>;
  readonly #limits: QueueLimits;
  readonly #bound = new Map<W, FairQueue<T>>();
  /** Items of each tenant. */
  readonly #tenants = new Map<string, number>();
  #size = 0;
  #turn = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    this.free = this.#newQueue();
  }

  get size(): number {
    return this.#size;
  }

  /** Those that wait for one worker, by worker; none of them is empty. */
  get bound(): ReadonlyMap<W, FairQueue<T>> {
    return this.#bound;
  }

  /** Puts an item at the end of its tenant's. `"all"`, `"tenant"`: the limit that kept it out. */
  push(item: T, worker?: W): Place<T> | "all" | "tenant" {
    const { priority = 0, tenant } = item.request;
    if (this.#size >= this.#limits.limit) return "all";
    if (tenant !== undefined && (this.#tenants.get(tenant) ?? 0) >= this.#limits.tenantLimit) return "tenant";
    this.#count(tenant, 1);
    return this.#queueFor(worker).push(item, priority, tenant);
  }

  /** Puts an item in front, full or not: it had its place already when its worker died. */
  pushAgain(item: T, worker?: W): Place<T> {
    const { tenant } = item.request;
    this.#count(tenant, 1);
    return this.#queueFor(worker).pushAgain(item, tenant);
  }

  /** Takes the item whose turn it is among those that any worker may take. */
  shift(): T | undefined {
    const place = this.free.first;
    return place === undefined ? undefined : this.take(place);
  }

  /** Takes out the first item of its queue. */
  take(place: Place<T>): T {
    place.queue.take(place);
    this.#left(place);
    return place.item;
  }

  /** Takes out an item that gives up, from wherever it stands; nothing happens when it has left already. */
  leave(place: Place<T>): void {
    if (place.link === undefined) return;
    place.queue.leave(place);
    this.#left(place);
  }

  #left({ tenant, queue }: Place<T>): void {
    this.#count(tenant, -1);
    if (queue === this.free || !queue.empty) return;
    for (const [worker, theirs] of this.#bound) if (theirs === queue) this.#bound.delete(worker);
  }

  #queueFor(worker: W | undefined): FairQueue<T> {
    if (worker === undefined) return this.free;
    let queue = this.#bound.get(worker);
    if (queue === undefined) this.#bound.set(worker, (queue = this.#newQueue()));
    return queue;
  }

  #newQueue(): FairQueue<T> {
    return new FairQueue(() => (this.#turn += 1));
  }

  #count(tenant: string | undefined, by: 1 | -1): void {
    this.#size += by;
    if (tenant === undefined) return;
    const count = (this.#tenants.get(tenant) ?? 0) + by;
    if (count === 0) this.#tenants.delete(tenant);
    else this.#tenants.set(tenant, count);
  }
}
