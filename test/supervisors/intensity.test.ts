import { createManualClock } from "@dspex/core";
import { startApplication } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { createMachine } from "xstate";
import { Stage } from "./stage.ts";

describe("restart intensity", () => {
  it("F4.26 as many restarts as the intensity are survived", async () => {
    const stage = new Stage();
    await stage.start({ intensity: 3, children: [stage.worker("a")] });
    stage.take();
    for (let restart = 0; restart < 3; restart += 1) expect(await stage.end("a")).toBe("-a error +a");
  });

  it("F4.25 one more ends the supervisor: children are stopped in reverse, and it ends with shutdown", async () => {
    const stage = new Stage();
    const app = await stage.start({ intensity: 1, children: ["a", "b", "c"].map((id) => stage.worker(id)) });
    await stage.end("b");
    expect(await stage.end("b")).toBe("-b error -c -a");
    expect(await app.finished).toBe("shutdown");
    expect(stage.reported("shutdown")).toEqual(["b reached_max_restart_intensity"]);
    expect(await stage.pass(100)).toBe("");
  });

  it("F4.27 with intensity 0 the first restart ends it", async () => {
    const stage = new Stage();
    const app = await stage.start({ intensity: 0, children: [stage.worker("a"), stage.worker("b")] });
    stage.take();
    expect(await stage.end("a")).toBe("-a error -b");
    expect(await app.finished).toBe("shutdown");
  });

  it("F4.28 F4.32 restarts older than the period are forgotten", async () => {
    const stage = new Stage();
    await stage.start({ intensity: 1, periodMs: 1_000, children: [stage.worker("a")] });
    stage.take();
    for (let restart = 0; restart < 4; restart += 1) {
      stage.clock.advance(2_100);
      expect(await stage.end("a")).toBe("-a error +a");
    }
  });

  it("F4.28 a restart exactly one period ago still counts; one millisecond later it does not", async () => {
    for (const [gapMs, expected] of [
      [1_000, "-a error"],
      [1_001, "-a error +a"],
    ] as const) {
      const stage = new Stage();
      await stage.start({ intensity: 1, periodMs: 1_000, children: [stage.worker("a")] });
      await stage.end("a");
      stage.clock.advance(gapMs);
      expect(await stage.end("a")).toBe(expected);
    }
  });

  it("F4.29 the window is one for all children together", async () => {
    const stage = new Stage();
    await stage.start({ intensity: 1, children: [stage.worker("a"), stage.worker("b")] });
    await stage.end("a");
    expect(await stage.end("b")).toBe("-b error -a");
  });

  it.each(["one_for_all", "rest_for_one"] as const)(
    "F4.30 a restart of a %s group counts once",
    async (strategy) => {
      const stage = new Stage();
      await stage.start({ strategy, intensity: 2, children: ["a", "b", "c"].map((id) => stage.worker(id)) });
      stage.take();
      expect(await stage.end("a")).toBe("-a error -c -b +a +b +c");
      expect(await stage.end("a")).toBe("-a error -c -b +a +b +c");
      expect(await stage.end("a")).toBe("-a error -c -b");
    },
  );

  it("F4.31 each failing attempt counts", async () => {
    const stage = new Stage();
    const app = await stage.start({ intensity: 3, children: [stage.worker("a")] });
    stage.take();
    stage.failing.add("a");
    expect(await stage.end("a")).toBe("-a error !a !a !a");
    expect(await app.finished).toBe("shutdown");
  });

  it("G4: a start that keeps failing does not hold the event loop: each attempt waits for its timer", async () => {
    const stage = new Stage();
    const app = await stage.start({ intensity: 100, children: [stage.worker("a")] });
    stage.take();
    stage.failing.add("a");
    stage.ref("a").send({ type: "end", reason: "normal" });
    expect(stage.take()).toBe("-a normal !a");
    expect(app.tree().children[0]).toMatchObject({ state: "restarting" });
    stage.failing.delete("a");
    expect(await stage.settle()).toBe("+a");
  });

  it("G4: a child that ends as soon as it is started does not hold the event loop either", async () => {
    let starts = 0;
    const child = {
      id: "brief",
      start() {
        starts += 1;
        return createMachine({ initial: "end", states: { end: { type: "final" } } });
      },
    };
    const app = await startApplication({ clock: createManualClock(), intensity: 1_000, children: [child] });
    await new Promise((resolve) => setImmediate(resolve));
    expect(starts).toBeLessThan(1_000);
    expect(await app.finished).toBe("shutdown");
    expect(starts).toBe(1_001);
  });
});
