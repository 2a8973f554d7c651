import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { CallQueue, type Waiting } from "../../packages/pool/src/call-queue.ts";
import type { Place } from "../../packages/pool/src/fair-queue.ts";
import { scaled, testSeed } from "../support/scale.ts";

interface Item extends Waiting {
  readonly n: number;
}

/** What the queue should be, said in the simplest way: lists, and for each tenant the number of its last turn. */
class Model {
  readonly #flows = new Map<string, { rank: number; turn: number; items: Item[] }>();
  #turn = 0;

  push({ n, request: { priority = 0, tenant } }: Item, again: boolean): void {
    const rank = again ? 11 : priority;
    const key = again ? "again" : `${rank} ${tenant}`;
    const flow = this.#flows.get(key) ?? { rank, turn: (this.#turn += 1), items: [] };
    flow.items.push({ n, request: {} });
    this.#flows.set(key, flow);
  }

  shift(): number | undefined {
    const [first] = [...this.#flows].sort(([, a], [, b]) => b.rank - a.rank || a.turn - b.turn);
    if (first === undefined) return undefined;
    const [key, flow] = first;
    flow.turn = this.#turn += 1;
    const item = flow.items.shift()!;
    if (flow.items.length === 0) this.#flows.delete(key);
    return item.n;
  }

  leave(n: number): void {
    for (const [key, flow] of this.#flows) {
      flow.items = flow.items.filter((item) => item.n !== n);
      if (flow.items.length === 0) this.#flows.delete(key);
    }
  }
}

const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      push: fc.record({
        priority: fc.integer({ min: -10, max: 10 }).map((p) => Math.trunc(p / 5)),
        tenant: fc.option(fc.constantFrom("a", "b", "c"), { nil: undefined }),
      }),
      again: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.constant("shift" as const) },
  { weight: 3, arbitrary: fc.record({ leave: fc.nat(200) }) },
);

describe("the fair queue", () => {
  const seed = testSeed();

  it(`does what lists do, whatever comes, goes and leaves (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
        const queue = new CallQueue<Item>({ limit: Infinity, tenantLimit: Infinity });
        const model = new Model();
        const places: Place<Item>[] = [];
        const inside = new Set<number>();
        for (const op of operations) {
          if (op === "shift") {
            const taken = queue.shift()?.n;
            expect(taken).toBe(model.shift());
            if (taken !== undefined) inside.delete(taken);
          } else if ("leave" in op) {
            const n = op.leave % Math.max(1, places.length);
            if (places[n] !== undefined) queue.leave(places[n]);
            model.leave(n);
            inside.delete(n);
          } else {
            const item: Item = { n: places.length, request: op.push };
            const place = op.again ? queue.pushAgain(item) : queue.push(item);
            if (typeof place === "string") throw new Error(place);
            places.push(place);
            model.push(item, op.again);
            inside.add(item.n);
          }
          expect(queue.size).toBe(inside.size);
        }
        for (let n = model.shift(); n !== undefined; n = model.shift()) expect(queue.shift()?.n).toBe(n);
        expect(queue.size).toBe(0);
        expect(queue.free.empty).toBe(true);
      }),
      { seed, numRuns: scaled(300) },
    );
  });

  it(`makes nobody wait for more than one call of each other tenant between two of its own (seed ${seed})`, () => {
    const load = fc.array(fc.record({ tenant: fc.constantFrom("a", "b", "c", "d"), rush: fc.nat(5) }), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(load, (arrivals) => {
        const queue = new CallQueue<Item & { tenant: string }>({ limit: Infinity, tenantLimit: Infinity });
        /** Calls of others that were served since a tenant that waits was served last, or came. */
        const overtaken = new Map<string, Map<string, number>>();
        const waiting = new Map<string, number>();
        let n = 0;
        const serve = (): void => {
          const item = queue.shift();
          if (item === undefined) return;
          waiting.set(item.tenant, waiting.get(item.tenant)! - 1);
          for (const [tenant, others] of overtaken) {
            if (tenant === item.tenant || waiting.get(tenant) === 0) continue;
            others.set(item.tenant, (others.get(item.tenant) ?? 0) + 1);
            expect(others.get(item.tenant)).toBeLessThanOrEqual(1);
          }
          overtaken.set(item.tenant, new Map());
        };
        for (const { tenant, rush } of arrivals) {
          for (let each = 0; each <= rush; each += 1) {
            if ((waiting.get(tenant) ?? 0) === 0) overtaken.set(tenant, new Map());
            waiting.set(tenant, (waiting.get(tenant) ?? 0) + 1);
            queue.push({ n: (n += 1), tenant, request: { tenant } });
          }
          serve();
        }
        while (queue.size > 0) serve();
      }),
      { seed, numRuns: scaled(300) },
    );
  });

  it("scenario 19: stays as quick and as small when 100,000 calls come and go from its middle", () => {
    const queue = new CallQueue<Item>({ limit: Infinity, tenantLimit: Infinity });
    const places = Array.from({ length: 100_000 }, (_, n) => {
      const place = queue.push({ n, request: { tenant: `t${n % 1_000}`, priority: n % 3 } });
      if (typeof place === "string") throw new Error(place);
      return place;
    });
    for (const place of places.filter((_, n) => n % 7 !== 0)) queue.leave(place);
    let served = 0;
    while (queue.shift() !== undefined) served += 1;
    expect(served).toBe(Math.ceil(100_000 / 7));
    expect(queue.free.empty).toBe(true);
  });
});
