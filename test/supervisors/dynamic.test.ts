import {
  countChildren,
  dynamicSupervisor,
  kill,
  startChild,
  whichChildren,
  type ChildStart,
  type DynamicSupervisorOptions,
  type StartScope,
} from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { createActor, type AnyActorRef } from "xstate";
import { answer, Stage } from "./stage.ts";

function start<A extends readonly unknown[]>(
  stage: Stage,
  options: DynamicSupervisorOptions<A>,
): AnyActorRef {
  return createActor(dynamicSupervisor(options), { input: { clock: stage.clock } }).start();
}

describe("dynamic supervisors", () => {
  it("F10.79 no child is there at the start", async () => {
    const stage = new Stage();
    expect(await countChildren(start(stage, { template: stage.worker("t") }))).toEqual({
      specs: 1,
      active: 0,
      supervisors: 0,
      workers: 0,
    });
    expect(stage.take()).toBe("");
  });

  it("F10.80 the arguments go to the template's start, and again at each restart", async () => {
    const stage = new Stage();
    const seen: unknown[] = [];
    const ref = start<[string, number]>(stage, {
      intensity: 5,
      template: {
        id: "t",
        start(_scope, id, size) {
          seen.push([id, size]);
          return stage.logic(id);
        },
      },
    });
    await startChild(ref, ["x", 1]);
    await startChild(ref, ["y", 2]);
    await stage.end("x");
    expect(seen).toEqual([
      ["x", 1],
      ["y", 2],
      ["x", 1],
    ]);
  });

  it("F10.81 a temporary instance keeps no arguments; a permanent one does", async () => {
    const stage = new Stage();
    for (const restart of ["temporary", "permanent"] as const) {
      const ref = start<[object]>(stage, { template: { id: "t", restart, start: () => stage.logic("x") } });
      const weak = await (async () => {
        const big = { text: "x".repeat(50_000) };
        await startChild(ref, [big]);
        return new WeakRef(big);
      })();
      const { runInNewContext } = await import("node:vm");
      const { setFlagsFromString } = await import("node:v8");
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc") as () => void;
      for (let turn = 0; turn < 5; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        gc();
      }
      expect(weak.deref() === undefined).toBe(restart === "temporary");
    }
  });

  it("a template wants arguments, and says so of anything else", async () => {
    const stage = new Stage();
    const ref = start(stage, { template: { id: "t", start: () => stage.logic("x") } });
    expect(await answer(startChild(ref, stage.worker("y")))).toBe("child");
    expect(await countChildren(ref)).toMatchObject({ workers: 0 });
  });

  it("F10.82 an instance whose start fails is not added", async () => {
    const stage = new Stage();
    stage.failing.add("x");
    const ref = start(stage, { template: { id: "t", start: () => stage.logic("x") } });
    expect(await answer(startChild(ref, []))).toBe("failed");
    expect(await countChildren(ref)).toMatchObject({ workers: 0 });
  });

  it("F10.84 max_children refuses one more; those that are being restarted count", async () => {
    const stage = new Stage();
    const ref = start<[string]>(stage, {
      intensity: 10,
      max_children: 2,
      template: { id: "t", start: (_scope, id) => stage.logic(id) },
    });
    await startChild(ref, ["x"]);
    await startChild(ref, ["y"]);
    expect(await answer(startChild(ref, ["z"]))).toBe("max_children");
    stage.failing.add("x");
    stage.ref("x").send({ type: "end", reason: { error: 1 } });
    expect(await answer(startChild(ref, ["z"]))).toBe("max_children");
    kill(stage.ref("y"));
    expect(await answer(startChild(ref, ["z"]))).toBe("max_children");
  });

  it("F10.84 extra_arguments come before the arguments of each start, also of a specification, and at each restart", async () => {
    const stage = new Stage();
    const seen: unknown[] = [];
    const note = (_scope: StartScope, store: string, id: string): ChildStart => {
      seen.push([store, id]);
      return stage.logic(id);
    };
    const withTemplate = start<[string, string]>(stage, {
      intensity: 5,
      extra_arguments: ["store"],
      template: { id: "t", start: note },
    });
    await startChild(withTemplate, ["x"]);
    await stage.end("x");
    const without = start(stage, { extra_arguments: ["store"] });
    await startChild(without, { id: "y", start: (scope, store: string) => note(scope, store, "y") });
    expect(seen).toEqual([
      ["store", "x"],
      ["store", "x"],
      ["store", "y"],
    ]);
  });

  it("F10.83 10,000 instances that do not answer are stopped together, with one timer", async () => {
    const stage = new Stage();
    const ref = start(stage, {
      template: { id: "t", shutdown: 100, start: () => stage.logic("x", "never") },
    });
    for (let n = 0; n < 10_000; n += 1) await startChild(ref, []);
    stage.take();
    ref.send({ type: "otp.shutdown" });
    await stage.settle();
    expect(stage.clock.pending).toBe(1);
    await stage.pass(100);
    expect(ref.getSnapshot()).toMatchObject({ status: "done", output: { reason: "shutdown" } });
    expect(stage.clock.pending).toBe(0);
  });

  it("without a template it takes any specification, as Elixir's DynamicSupervisor does", async () => {
    const stage = new Stage();
    const ref = start(stage, {});
    await startChild(ref, stage.worker("x", { restart: "transient" }));
    await startChild(ref, stage.worker("y"));
    await stage.end("y");
    await stage.end("x", "normal");
    expect((await whichChildren(ref)).map(({ id, state }) => `${id} ${state}`)).toEqual(["y running"]);
  });

  it("F4.25 too many restarts end it, with all instances", async () => {
    const stage = new Stage();
    const ref = start<[string]>(stage, {
      intensity: 0,
      template: { id: "t", start: (_scope, id) => stage.logic(id) },
    });
    await startChild(ref, ["x"]);
    await startChild(ref, ["y"]);
    stage.take();
    expect(await stage.end("x")).toBe("-x error -y");
    expect(ref.getSnapshot()).toMatchObject({ status: "done", output: { reason: "shutdown" } });
  });
});
