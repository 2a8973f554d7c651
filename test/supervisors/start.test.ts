import {
  countChildren,
  restartChild,
  startApplication,
  startChild,
  supervisor,
  supervisorSpec,
} from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { createMachine, fromPromise } from "xstate";
import { answer, living, Stage } from "./stage.ts";

describe("the start of a supervisor", () => {
  it("F2.11 children start in the order of the list, and all are up when it is done", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [
        stage.worker("c"),
        supervisorSpec("s", { children: [stage.worker("10"), stage.worker("9")] }),
        stage.worker("a"),
      ],
    });
    expect(stage.take()).toBe("+c +10 +9 +a");
    expect(living(app)).toBe("c s a");
    expect(stage.reported("started")).toEqual(["c", "10", "9", "s", "a"]);
  });

  it("F2.11 integer-like ids keep their order", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: ["x", "10", "9"].map((id) => stage.worker(id)) });
    await app.stop();
    expect(stage.take()).toBe("+x +10 +9 -9 -10 -x");
  });

  it.each(["throws", "is in error", "gives no logic"])(
    "F2.12 a child whose start %s: those before it are stopped in reverse, those after it never started",
    async (how) => {
      const stage = new Stage();
      const broken = {
        id: "broken",
        start: () => {
          if (how === "throws") throw new Error("no");
          if (how === "gives no logic") return {} as never;
          return createMachine({
            entry: () => {
              throw new Error("no");
            },
          });
        },
      };
      const starting = stage.start({
        children: [stage.worker("a"), stage.worker("b"), broken, stage.worker("c")],
      });
      await expect(starting).rejects.toMatchObject({
        code: "ERR_CHILD_START_FAILED",
        details: { path: ["application"], child: "broken" },
      });
      expect(stage.take()).toBe("+a +b -b -a");
      expect(stage.reported("start_error")).toEqual(["broken error"]);
    },
  );

  it("F2.12 the chain of causes leads through child supervisors to what was thrown", async () => {
    const stage = new Stage();
    stage.failing.add("deep");
    const starting = stage.start({
      children: [stage.worker("a"), supervisorSpec("s", { children: [stage.worker("deep")] })],
    });
    await expect(starting).rejects.toMatchObject({
      details: { path: ["application"], child: "s" },
      cause: {
        details: { path: ["application", "s"], child: "deep" },
        cause: { message: "deep cannot start" },
      },
    });
    expect(stage.take()).toBe("+a !deep -a");
  });

  it("F2.12 a failing start does not reach the process, and the promise alone tells of it", async () => {
    const failing = { id: "a", start: () => fromPromise(() => Promise.resolve()) };
    const app = await startApplication({ children: [{ ...failing, restart: "temporary" }] });
    await app.stop();
    expect(await app.finished).toBe("shutdown");
  });

  it("F2.15 a start that says ignore keeps the specification and has no process", async () => {
    const stage = new Stage();
    stage.ignoring.add("a").add("t");
    const app = await stage.start({
      children: [stage.worker("a"), stage.worker("t", { restart: "temporary" }), stage.worker("b")],
    });
    expect(living(app)).toBe("(a) b");
    expect(await countChildren(app.root)).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });
    stage.ignoring.clear();
    expect(await answer(restartChild(app.root, "a"))).toBe("ok");
    expect(living(app)).toBe("a b");
  });

  it("F2.15 startChild of an ignoring child resolves to nothing", async () => {
    const stage = new Stage();
    stage.ignoring.add("a").add("t");
    const app = await stage.start({ children: [] });
    expect(await startChild(app.root, stage.worker("a"))).toBeUndefined();
    expect(await startChild(app.root, stage.worker("t", { restart: "temporary" }))).toBeUndefined();
    expect(living(app)).toBe("(a)");
  });

  it("F2.13 a supervisor may say ignore like any child: its place stays, and nothing is reported of it", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [stage.worker("a"), { id: "s", type: "supervisor", start: () => "ignore" }],
    });
    expect(living(app)).toBe("a (s)");
    expect(stage.reported("started")).toEqual(["a"]);
    expect(await countChildren(app.root)).toEqual({ specs: 2, active: 1, supervisors: 1, workers: 1 });
  });

  it("F2.14 a supervisor that cannot be made is a failed start, and nothing of it stays", async () => {
    const stage = new Stage();
    const broken = {
      id: "s",
      type: "supervisor" as const,
      start: () => supervisor({ intensity: -1, children: [stage.worker("b")] }),
    };
    const starting = stage.start({ children: [stage.worker("a"), broken] });
    await expect(starting).rejects.toMatchObject({
      details: { child: "s" },
      cause: { code: "ERR_INVALID_OPTION", details: { option: "intensity" } },
    });
    expect(stage.take()).toBe("+a -a");
    expect(stage.clock.pending).toBe(0);
  });

  it("F2.18 a name that is taken makes the start fail, before anything of the child runs", async () => {
    const stage = new Stage();
    const starting = stage.start({
      children: [stage.worker("a", { name: "n" }), stage.worker("b", { name: "n" })],
    });
    await expect(starting).rejects.toMatchObject({
      cause: { code: "ERR_NAME_TAKEN", details: { name: "n" } },
    });
    expect(stage.take()).toBe("+a -a");
  });
});

describe("a start that is acknowledged", () => {
  const slow = (stage: Stage, id: string, readyAfterMs: number) => ({
    ...stage.worker(id),
    startTimeoutMs: 100,
    start: ({ ready }: { ready: () => void }) => {
      stage.clock.setTimeout(ready, readyAfterMs);
      return stage.logic(id);
    },
  });

  it("the next sibling waits for it, also across supervisors", async () => {
    const stage = new Stage();
    const starting = stage.start({
      children: [
        supervisorSpec("s", { children: [slow(stage, "a", 50), stage.worker("b")] }),
        stage.worker("c"),
      ],
    });
    expect(await stage.pass(40)).toBe("+a");
    expect(stage.reported("started")).toEqual([]);
    expect(await stage.pass(20)).toBe("+b +c");
    await starting;
    expect(stage.reported("started")).toEqual(["a", "b", "s", "c"]);
    expect(stage.clock.pending).toBe(0);
  });

  it("a child that stays silent failed to start, and is killed", async () => {
    const stage = new Stage();
    const starting = stage.start({
      children: [stage.worker("a"), slow(stage, "b", 1_000), stage.worker("c")],
    });
    const failure = expect(starting).rejects.toMatchObject({
      code: "ERR_CHILD_START_FAILED",
      message: expect.stringContaining("not ready within 100 ms") as unknown,
    });
    expect(await stage.pass(100)).toBe("+a +b -b killed -a");
    await failure;
  });

  it("a child that ends before it is ready failed to start", async () => {
    const stage = new Stage();
    const starting = stage.start({ children: [stage.worker("a"), slow(stage, "b", 1_000)] });
    const failure = expect(starting).rejects.toMatchObject({ details: { child: "b" } });
    expect(await stage.end("b", "normal")).toBe("+a +b -b normal -a");
    await failure;
  });

  it("a word of readiness from an earlier incarnation does not count", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [slow(stage, "b", 0)], intensity: 5 });
    stage.take();
    await stage.end("b");
    await stage.settle();
    expect(app.tree().children[0]).toMatchObject({ state: "running", incarnation: 2 });
  });

  it("startChild resolves once the child is ready", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [] });
    let up = false;
    const starting = startChild(app.root, slow(stage, "a", 50)).then(() => (up = true));
    await stage.pass(40);
    expect(up).toBe(false);
    await stage.pass(10);
    await starting;
    expect(up).toBe(true);
  });

  it("a shutdown does not wait for it: the child is stopped, and the call that wanted it fails", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [stage.worker("a")] });
    const starting = answer(startChild(app.root, slow(stage, "b", 1_000)));
    expect(await stage.settle()).toBe("+a +b");
    const stopping = app.stop();
    expect(await stage.settle()).toBe("-b -a");
    await stopping;
    expect(await starting).toBe("noproc");
  });
});
