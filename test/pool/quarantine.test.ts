import { describe, expect, it } from "@jest/globals";
import { createManualClock } from "@dspex/core";
import { Quarantine } from "../../packages/pool/src/quarantine.ts";

function stage(after = 3) {
  const clock = createManualClock();
  const quarantine = new Quarantine({ after, forMs: 1_000, clock });
  return { clock, quarantine };
}

describe("quarantine", () => {
  it("tries a target alone where one more death would be enough, and refuses it when it kills that process too", () => {
    const { quarantine } = stage();
    expect(quarantine.died("killer", false)).toBe(false);
    expect(quarantine.verdict("killer")).toBe("run");
    quarantine.died("killer", false);
    expect(quarantine.verdict("killer")).toBe("alone");
    expect(quarantine.died("killer", true)).toBe(true);
    expect(quarantine.verdict("killer")).toEqual({ deaths: 3, untilMs: 1_000, leftMs: 1_000 });
    expect(quarantine.verdict("another")).toBe("run");
  });

  it("convicts nobody who stood beside, however often and whatever else is killed", () => {
    const { quarantine } = stage();
    for (let death = 0; death < 100; death += 1)
      for (const target of ["killer", "slow bystander"]) expect(quarantine.died(target, false)).toBe(false);
    expect(quarantine.verdict("slow bystander")).toBe("alone");
    quarantine.answered("slow bystander");
    expect(quarantine.verdict("slow bystander")).toBe("run");
    expect(quarantine.died("killer", true)).toBe(true);
  });

  it("forgets a target that answers between two deaths", () => {
    const { quarantine } = stage();
    quarantine.died("f", false);
    quarantine.answered("f");
    expect(quarantine.idle).toBe(true);
    quarantine.died("f", false);
    expect(quarantine.verdict("f")).toBe("run");
  });

  it("counts deaths within its time only", () => {
    const { clock, quarantine } = stage();
    quarantine.died("f", true);
    quarantine.died("f", true);
    clock.advance(1_000);
    expect(quarantine.verdict("f")).toBe("run");
    expect(quarantine.died("f", true)).toBe(false);
  });

  it("tries a target alone again when its time is over, and lets it in when it answers", () => {
    const { clock, quarantine } = stage(2);
    quarantine.died("f", false);
    quarantine.died("f", true);
    clock.advance(999);
    expect(quarantine.verdict("f")).toMatchObject({ leftMs: 1 });
    clock.advance(1);
    expect(quarantine.verdict("f")).toBe("alone");
    expect(quarantine.died("f", true)).toBe(true);
    clock.advance(1_000);
    quarantine.answered("f");
    expect(quarantine.verdict("f")).toBe("run");
  });

  it("G4: remembers a thousand suspects, the latest", () => {
    const { quarantine } = stage(2);
    for (let n = 0; n <= 1_000; n += 1) quarantine.died(`t${n}`, false);
    expect(quarantine.verdict("t0")).toBe("run");
    expect(quarantine.verdict("t1")).toBe("alone");
  });
});
