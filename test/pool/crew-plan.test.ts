import { describe, expect, it } from "@jest/globals";
import { seededRandom } from "@dspex/core";
import { planCrew } from "../../packages/pool/src/crew-plan.ts";
import { scaled, testSeed } from "../support/scale.ts";

interface Member {
  name: string;
  ready: boolean;
  due: boolean;
  retiring: boolean;
  place: number;
}

const member = (name: string, state: Partial<Member> = {}): Member => ({
  name,
  ready: true,
  due: false,
  retiring: false,
  place: 0,
  ...state,
});
const plan = (crew: readonly Member[], wanted: number, limit = wanted + 1): [number, string[]] => {
  const { hire, retire } = planCrew(crew, wanted, limit);
  return [hire, retire.map(({ name }) => name)];
};

describe("the plan for a crew", () => {
  it("starts what is missing, and leaves a full crew alone", () => {
    expect(plan([], 3)).toEqual([3, []]);
    expect(plan([member("a"), member("b", { ready: false })], 3)).toEqual([1, []]);
    expect(plan([member("a"), member("b")], 2)).toEqual([0, []]);
  });

  it("scenario 30: starts one beside a worker that is due, and lets that go when the other is ready", () => {
    const due = member("due", { due: true, place: 1 });
    const other = member("other", { place: 2 });
    expect(plan([due, other], 2)).toEqual([1, []]);
    expect(plan([due, other, member("new", { ready: false })], 2)).toEqual([0, []]);
    expect(plan([due, other, member("new")], 2)).toEqual([0, ["due"]]);
  });

  it("replaces one at a time, and waits until the last one has gone", () => {
    const [a, b] = [member("a", { due: true }), member("b", { due: true })];
    expect(plan([a, b], 2)).toEqual([1, []]);
    expect(plan([{ ...a, retiring: true }, b, member("new")], 2)).toEqual([0, []]);
    expect(plan([b, member("new")], 2)).toEqual([1, []]);
  });

  it("replaces the oldest first, so that each has its turn", () => {
    const crew = [1, 2, 3].map((place) => member(`in place ${place}`, { due: true, place }));
    expect(plan([...crew, member("new")], 3)).toEqual([0, ["in place 1"]]);
  });

  it("lets those of the highest places go when it shrinks, and no spare", () => {
    const crew = [
      member("a", { place: 1 }),
      member("b", { place: 2 }),
      member("c", { place: 3 }),
      member("spare"),
    ];
    expect(plan(crew, 2)).toEqual([0, ["c", "b"]]);
  });

  it("gives up what is still starting and no longer wanted", () => {
    const starting = member("b", { ready: false });
    expect(plan([member("a"), starting], 1)).toEqual([0, ["b"]]);
  });

  it("replaces at once what is due and does not become ready", () => {
    expect(plan([member("a", { due: true, ready: false }), member("b")], 2)).toEqual([1, ["a"]]);
  });

  const seed = testSeed();
  it(`never has a process too many, nor a ready worker too few by its own doing, and comes to rest (seed ${seed})`, () => {
    const random = seededRandom(seed);
    const faults: string[] = [];
    for (let run = 0; run < scaled(200); run += 1) {
      let crew: Member[] = [];
      let wanted = 3;
      let hired = 0;
      const able = (): number => crew.filter(({ ready, retiring }) => ready && !retiring).length;
      const look = (what: string): void => {
        const [before, readyBefore] = [crew.length, able()];
        const { hire, retire } = planCrew(crew, wanted, wanted + 1);
        for (const one of retire) one.retiring = true;
        for (let n = 0; n < hire; n += 1) crew.push(member(`w${(hired += 1)}`, { ready: false }));
        if (crew.length > Math.max(before, wanted + 1))
          faults.push(`run ${run}, ${what}: ${crew.length} processes`);
        if (able() < Math.min(readyBefore, wanted)) faults.push(`run ${run}, ${what}: ${able()} ready`);
      };
      for (let step = 0; step < 60; step += 1) {
        if (random() < 0.1) wanted = 1 + Math.floor(random() * 6);
        const one = crew[Math.floor(random() * crew.length)];
        if (one?.retiring) crew = crew.filter((other) => other !== one);
        else if (one !== undefined && !one.ready) one.ready = true;
        // It has crashed and starts again, or has reached a limit.
        else if (one !== undefined && random() < 0.2) [one.ready, one.due] = [false, false];
        else if (one !== undefined && random() < 0.3) one.due = true;
        look(`step ${step}`);
      }
      for (let turn = 0; turn < 40; turn += 1) {
        crew = crew.filter(({ retiring }) => !retiring);
        for (const one of crew) one.ready = true;
        look("at rest");
      }
      if (crew.length !== wanted || crew.some(({ due, retiring }) => due || retiring))
        faults.push(`run ${run} does not come to rest`);
    }
    expect(faults).toEqual([]);
  });
});
