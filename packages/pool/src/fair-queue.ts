import { LinkedList, type Link } from "./linked-list.ts";

/** The least and the highest priority. */
export const priorities = { min: -10, max: 10 } as const;

/** An item's place in a {@link FairQueue}. */
export interface Place<T> {
  readonly item: T;
  readonly tenant: string | undefined;
  readonly queue: FairQueue<T>;
  readonly flow: Flow<T>;
  /** `undefined` once the item has left. */
  link: Link<Place<T>> | undefined;
}

/** What one tenant has waiting in one priority. */
interface Flow<T> {
  readonly tenant: string | undefined;
  readonly rank: number;
  readonly places: LinkedList<Place<T>>;
  /** Where it stands among the flows of its rank; they stand in the order of their turns. */
  link: Link<Flow<T>> | undefined;
  turn: number;
}

/** Flows of one priority, in the order in which it is their turn. */
interface Rank<T> {
  readonly flows: LinkedList<Flow<T>>;
  readonly byTenant: Map<string | undefined, Flow<T>>;
}

/** Above every priority: what had its place before. */
const againRank = priorities.max - priorities.min + 1;

/**
 * Higher priorities first; inside of one, each tenant's items in order, and tenants in turn: so a tenant with thousands of items waits for
 * its next turn like one with a single item. (Items cost the same here; deficit round robin, Shreedhar & Varghese 1995, comes to this
 * then.) Items without a tenant are one tenant's. Every operation takes constant time, leaving from the middle too.
 */
export class FairQueue<T> {
  readonly #ranks: (Rank<T> | undefined)[] = [];
  /** One bit for each rank that has flows. */
  #waiting = 0;
  /** Hands out turns; queues that share it can be compared with {@link before}. */
  readonly #nextTurn: () => number;

  constructor(nextTurn: () => number) {
    this.#nextTurn = nextTurn;
  }

  get empty(): boolean {
    return this.#waiting === 0;
  }

  push(item: T, priority: number, tenant: string | undefined): Place<T> {
    return this.#append(item, priority - priorities.min, tenant);
  }

  /** Puts an item before all that were put so later: it has waited before. */
  pushAgain(item: T, tenant: string | undefined): Place<T> {
    // One flow for all of them: they keep their order.
    return this.#append(item, againRank, undefined, tenant);
  }

  /** The place of the item whose turn it is. */
  get first(): Place<T> | undefined {
    return this.#firstFlow()?.places.first;
  }

  /** Whether the first item of this queue goes before that of `other`. */
  before(other: FairQueue<T>): boolean {
    const [mine, theirs] = [this.#firstFlow(), other.#firstFlow()];
    if (mine === undefined || theirs === undefined) return mine !== undefined;
    return mine.rank === theirs.rank ? mine.turn < theirs.turn : mine.rank > theirs.rank;
  }

  /** Takes the first item out; its tenant has had its turn. */
  take(place: Place<T>): void {
    const { flow } = place;
    this.leave(place);
    if (flow.places.first === undefined) return;
    const { flows } = this.#ranks[flow.rank]!;
    flows.remove(flow.link!);
    flow.link = flows.append(flow);
    flow.turn = this.#nextTurn();
  }

  /** Takes an item out from wherever it stands. */
  leave(place: Place<T>): void {
    const { flow, link } = place;
    flow.places.remove(link!);
    place.link = undefined;
    if (flow.places.first !== undefined) return;
    const { flows, byTenant } = this.#ranks[flow.rank]!;
    flows.remove(flow.link!);
    byTenant.delete(flow.tenant);
    if (flows.first === undefined) this.#waiting &= ~(1 << flow.rank);
  }

  #append(item: T, rank: number, of: string | undefined, tenant = of): Place<T> {
    const flow = this.#flow(rank, of);
    const place: Place<T> = { item, tenant, queue: this, flow, link: undefined };
    place.link = flow.places.append(place);
    return place;
  }

  #flow(rank: number, tenant: string | undefined): Flow<T> {
    const { flows, byTenant } = (this.#ranks[rank] ??= { flows: new LinkedList(), byTenant: new Map() });
    const there = byTenant.get(tenant);
    if (there !== undefined) return there;
    const places = new LinkedList<Place<T>>();
    const flow: Flow<T> = { tenant, rank, places, link: undefined, turn: this.#nextTurn() };
    flow.link = flows.append(flow);
    byTenant.set(tenant, flow);
    this.#waiting |= 1 << rank;
    return flow;
  }

  #firstFlow(): Flow<T> | undefined {
    return this.#ranks[31 - Math.clz32(this.#waiting)]?.flows.first;
  }
}
