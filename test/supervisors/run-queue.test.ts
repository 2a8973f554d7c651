import { deferred } from "@dspex/core";
import { exit, server, startApplication } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import type { AnyActorRef } from "xstate";
import { Stage } from "./stage.ts";

type Hop = { readonly type: "hop"; readonly left: number };

/** A ring of actors that hand a message on. */
function ring(size: number, arrived: (left: number) => void) {
  const refs: AnyActorRef[] = [];
  const children = Array.from({ length: size }, (_, index) => ({
    id: `n${index}`,
    start: () =>
      server<number, Hop>({
        init({ self }) {
          refs[index] = self;
          return index;
        },
        receive(state, { left }) {
          if (left === 0) arrived(left);
          else refs[(state + 1) % size]!.send({ type: "hop", left: left - 1 } satisfies Hop);
          return state;
        },
      }),
  }));
  return { refs, children };
}

describe("the run queue", () => {
  it("a chain of 20,000 hops completes, and kills nobody", async () => {
    const done = deferred<void>();
    const { refs, children } = ring(100, () => done.resolve());
    const stage = new Stage();
    await stage.start({ children });
    refs[0]!.send({ type: "hop", left: 20_000 } satisfies Hop);
    await done.promise;
    expect(stage.reported("child_terminated")).toEqual([]);
  });

  it("a send from outside is delivered before it returns; one from inside a handler after the handler", async () => {
    const stage = new Stage();
    const order: string[] = [];
    const refs: Record<string, AnyActorRef> = {};
    const child = (id: string, then?: string) => ({
      id,
      start: () =>
        server<number, { type: string }>({
          init({ self }) {
            refs[id] = self;
            return 0;
          },
          receive(state) {
            order.push(`${id} in`);
            if (then !== undefined) refs[then]!.send({ type: "go" });
            order.push(`${id} out`);
            return state;
          },
        }),
    });
    await stage.start({ children: [child("a", "b"), child("b")] });
    refs["a"]!.send({ type: "go" });
    expect(order).toEqual(["a in", "a out", "b in", "b out"]);
  });

  it("keeps the order of each sender, also over the rests", async () => {
    const got: number[] = [];
    let target!: AnyActorRef;
    const app = await startApplication({
      children: [
        {
          id: "a",
          start: () =>
            server<number, { type: "n"; n: number }>({
              init({ self }) {
                target = self;
                return 0;
              },
              receive(state, { n }) {
                if (n < 10_000) self().send({ type: "n", n: n + 10_000 });
                got.push(n);
                return state;
              },
            }),
        },
      ],
    });
    const self = (): AnyActorRef => target;
    for (let n = 0; n < 10_000; n += 1) target.send({ type: "n", n });
    while (got.length < 20_000) await new Promise((resolve) => setImmediate(resolve));
    const outside = got.filter((n) => n < 10_000);
    expect(outside).toEqual(outside.toSorted((a, b) => a - b));
    const inside = got.filter((n) => n >= 10_000);
    expect(inside).toEqual(inside.toSorted((a, b) => a - b));
    await app.stop();
  });

  it("a storm of messages leaves the event loop its turn", async () => {
    const { refs, children } = ring(2, () => {});
    const app = await startApplication({ children });
    let turns = 0;
    const count = (): void => {
      turns += 1;
      if (turns < 20) setImmediate(count);
    };
    setImmediate(count);
    refs[0]!.send({ type: "hop", left: Number.MAX_SAFE_INTEGER } satisfies Hop);
    while (turns < 20) await new Promise((resolve) => setImmediate(resolve));
    // The storm still rages; the tree can be stopped nevertheless.
    await app.stop();
    expect(await app.finished).toBe("shutdown");
  });

  it("what supervisors do goes before messages: nobody meets a dead sibling that could be back already", async () => {
    const stage = new Stage();
    const seen: boolean[] = [];
    const app = await stage.start({ intensity: 9, children: [stage.worker("a", { name: "a" })] });
    const first = stage.ref("a");
    first.send({ type: "end", reason: "normal" });
    seen.push(app.registry.whereis("a") !== undefined && app.registry.whereis("a") !== first);
    expect(seen).toEqual([true]);
  });

  it("counts and shows the messages that reach nobody", async () => {
    const letters: string[] = [];
    const app = await startApplication({
      children: [
        {
          id: "a",
          name: "a",
          restart: "temporary",
          start: () => server<number, { type: "end" }>({ init: () => 0, receive: () => exit("normal") }),
        },
      ],
      onDeadLetter: ({ target, event, reason }) =>
        letters.push(`${(target as AnyActorRef).id} ${event.type} ${reason}`),
    });
    const a = app.registry.whereis("a")!;
    a.send({ type: "end" });
    for (let n = 0; n < 1_000_000; n += 1) a.send({ type: "end" });
    expect(app.deadLetters).toBe(1_000_000);
    expect(new Set(letters)).toEqual(new Set(["a#1 end not_alive"]));
    await app.stop();
  });
});
