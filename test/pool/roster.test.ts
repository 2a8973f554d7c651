import { describe, expect, it } from "@jest/globals";
import { Roster } from "../../packages/pool/src/roster.ts";

const worker = (name: string) => ({ name, place: 0 });

function roster(places: number) {
  const served: string[] = [];
  const all = new Roster<ReturnType<typeof worker>>(places, ({ name, place }) =>
    served.push(`${name} ${place}`),
  );
  const serving = (): string[] => [...all.serving].map(({ name }) => name);
  const spares = (): string[] => [...all.spares].map(({ name }) => name);
  return { all, served, serving, spares };
}

describe("the roster of a pool", () => {
  it("gives places as long as there are some; the others are spares", () => {
    const { all, served, spares } = roster(2);
    for (const name of ["a", "b", "c"]) all.join(worker(name));
    expect(served).toEqual(["a 1", "b 2"]);
    expect(spares()).toEqual(["c"]);
  });

  it("gives the place of one that is gone to the spare that has waited longest, at once", () => {
    const { all, served, serving, spares } = roster(2);
    const [a, b, c, d] = [worker("a"), worker("b"), worker("c"), worker("d")];
    for (const one of [a, b, c, d]) all.join(one);
    all.leave(a);
    expect([serving(), spares()]).toEqual([["b", "c"], ["d"]]);
    expect([a.place, c.place]).toEqual([0, 1]);
    all.join(a);
    all.leave(b);
    expect(served).toEqual(["a 1", "b 2", "c 1", "d 2"]);
    expect(spares()).toEqual(["a"]);
  });

  it("takes nobody's place when it shrinks, and fills no place that is no longer there", () => {
    const { all, serving, spares } = roster(2);
    const [a, b, c] = [worker("a"), worker("b"), worker("c")];
    for (const one of [a, b, c]) all.join(one);
    all.resize(1);
    expect(serving()).toEqual(["a", "b"]);
    all.leave(b);
    expect([serving(), spares()]).toEqual([["a"], ["c"]]);
    all.resize(3);
    expect(serving()).toEqual(["a", "c"]);
  });
});
