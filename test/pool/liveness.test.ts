import { describe, expect, it } from "@jest/globals";
import { Silence, type Sighting } from "../../packages/pool/src/liveness.ts";

const beatMs = 1_000;
const limits = { maxMissed: 3, maxBusyMs: 10_000 };

/** What is seen of a process, instantly, that has computed for so long. */
const seen = (atMs: number, cpuMs: number, letter = "S"): Sighting => ({
  state: { letter, cpuMs, started: "1" },
  askedMs: atMs,
  toldMs: atMs,
});

/** The verdicts over a process that computes for so much of each beat. */
function verdicts(cpuPerBeatMs: readonly number[], letter = "S"): string[] {
  const silence = new Silence(limits, 0);
  let cpuMs = 5_000;
  silence.see(seen(beatMs / 2, cpuMs, letter));
  return cpuPerBeatMs.map((grownMs, index) => {
    cpuMs += grownMs;
    const ping = silence.miss(seen((index + 1) * beatMs, cpuMs, letter))!;
    expect(ping.missed).toBe(index + 1);
    return ping.verdict + (ping.fatal ? "!" : "");
  });
}

describe("a worker that leaves PINGs unanswered", () => {
  it("is blocked when its processor time stands still, and ended after exactly maxMissed", () => {
    expect(verdicts([0, 0, 0])).toEqual(["blocked", "blocked", "blocked!"]);
  });

  it("is blocked, too, where its threads only wake to ask for the interpreter's lock", () => {
    expect(verdicts([0, 30, 40])).toEqual(["blocked", "blocked", "blocked!"]);
  });

  it.each(["T", "t"])("is stopped when the system says %s, whatever it has computed before", (letter) => {
    expect(verdicts([400, 0, 0], letter)).toEqual(["stopped", "stopped", "stopped!"]);
  });

  it("is busy while it gets more than a twentieth of a core, and ended after maxBusyMs", () => {
    expect(verdicts(Array<number>(10).fill(60))).toEqual([...Array<string>(9).fill("busy"), "busy!"]);
  });

  it("has the whole of maxMissed again when it has computed in between", () => {
    expect(verdicts([0, 0, 500, 0, 0, 0])).toEqual([
      "blocked",
      "blocked",
      "busy",
      "blocked",
      "blocked",
      "blocked!",
    ]);
  });

  it("is not judged where the system says nothing, or nothing is there to compare", () => {
    const silence = new Silence(limits, 0);
    const unknown = { state: undefined, askedMs: beatMs, toldMs: beatMs };
    expect(silence.miss(unknown)).toBeUndefined();
    expect(silence.seen).toBe(false);
    expect(silence.miss(seen(2 * beatMs, 70))).toBeUndefined();
    expect(silence.miss(seen(3 * beatMs, 70))).toEqual({ missed: 3, verdict: "blocked", fatal: false });
    expect(silence.miss(unknown)).toBeUndefined();
    expect(silence.miss(seen(5 * beatMs, 290))).toEqual({ missed: 5, verdict: "busy", fatal: false });
  });

  it("is not taken to compute for the last bit that the system tells of its time", () => {
    const silence = new Silence(limits, 0);
    silence.see(seen(100, 100));
    expect(silence.miss(seen(150, 110))).toMatchObject({ verdict: "blocked" });
    expect(silence.miss(seen(200, 150))).toMatchObject({ verdict: "busy" });
  });

  it("is given the time that the host took to hear of it", () => {
    const silence = new Silence(limits, 0);
    silence.see({ ...seen(500, 100), toldMs: 1_000 });
    // It computed for 40 ms, for all that is known within 400.
    expect(silence.miss({ ...seen(1_400, 140), toldMs: 3_000 })).toMatchObject({ verdict: "busy" });
  });
});
