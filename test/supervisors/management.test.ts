import {
  countChildren,
  deleteChild,
  dynamicSupervisor,
  getChildSpec,
  isAlive,
  kill,
  restartChild,
  server,
  startChild,
  supervisorSpec,
  terminateChild,
  whichChildren,
} from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { createActor } from "xstate";
import { answer, living, Stage } from "./stage.ts";

async function ab(stage: Stage): Promise<Stage["app"]> {
  const app = await stage.start({ children: [stage.worker("a"), stage.worker("b")] });
  stage.take();
  return app;
}

describe("management calls", () => {
  it("startChild starts a child at the end and gives its actor", async () => {
    const stage = new Stage();
    const app = await ab(stage);
    expect(await startChild(app.root, stage.worker("c"))).toBe(stage.ref("c"));
    expect(living(app)).toBe("a b c");
  });

  it("F9.68 startChild of an id that is there is refused", async () => {
    const stage = new Stage();
    const app = await ab(stage);
    expect(await answer(startChild(app.root, stage.worker("a")))).toBe("already_started");
    await terminateChild(app.root, "a");
    expect(await answer(startChild(app.root, stage.worker("a")))).toBe("already_present");
  });

  it("F9.69 a child whose start fails is not kept", async () => {
    const stage = new Stage();
    const app = await ab(stage);
    stage.failing.add("c");
    expect(await answer(startChild(app.root, stage.worker("c")))).toBe("failed");
    expect(living(app)).toBe("a b");
    stage.failing.clear();
    expect(await answer(startChild(app.root, stage.worker("c")))).toBe("ok");
  });

  it("F9.70 terminateChild keeps the specification, except that of a temporary child", async () => {
    const stage = new Stage();
    const app = await ab(stage);
    await startChild(app.root, stage.worker("t", { restart: "temporary" }));
    expect(await answer(terminateChild(app.root, "a"))).toBe("ok");
    expect(await answer(terminateChild(app.root, "a"))).toBe("ok");
    expect(await answer(terminateChild(app.root, "t"))).toBe("ok");
    expect(await answer(terminateChild(app.root, "t"))).toBe("not_found");
    expect(living(app)).toBe("(a) b");
    expect(stage.take()).toBe("+t -a -t");
  });

  it("F9.71 restartChild starts a stopped child, in its place", async () => {
    const stage = new Stage();
    const app = await ab(stage);
    expect(await answer(restartChild(app.root, "a"))).toBe("running");
    expect(await answer(restartChild(app.root, "x"))).toBe("not_found");
    await terminateChild(app.root, "a");
    stage.failing.add("a");
    expect(await answer(restartChild(app.root, "a"))).toBe("failed");
    expect(living(app)).toBe("(a) b");
    stage.failing.clear();
    expect(await answer(restartChild(app.root, "a"))).toBe("ok");
    expect(living(app)).toBe("a b");
  });

  it("F9.72 deleteChild drops a stopped child only", async () => {
    const stage = new Stage();
    const app = await ab(stage);
    expect(await answer(deleteChild(app.root, "a"))).toBe("running");
    expect(await answer(deleteChild(app.root, "x"))).toBe("not_found");
    await terminateChild(app.root, "a");
    expect(await answer(deleteChild(app.root, "a"))).toBe("ok");
    expect(living(app)).toBe("b");
  });

  it("F9.73 every call on a supervisor that is dead, or on what is none, says so at once", async () => {
    const stage = new Stage();
    const app = await ab(stage);
    await app.stop();
    const nobody = createActor(server({ init: () => 0, receive: (state) => state })).start();
    for (const ref of [app.root, nobody]) {
      const calls = [
        startChild(ref, stage.worker("c")),
        terminateChild(ref, "a"),
        restartChild(ref, "a"),
        deleteChild(ref, "a"),
        getChildSpec(ref, "a"),
        whichChildren(ref),
        countChildren(ref),
      ];
      expect(await Promise.all(calls.map(answer))).toEqual(calls.map(() => "noproc"));
    }
  });

  it("F9.74 a static supervisor terminates by id, one with a template by actor, one without by either", async () => {
    const stage = new Stage();
    const app = await ab(stage);
    expect(await answer(terminateChild(app.root, stage.ref("a")))).toBe("not_found");

    const simple = createActor(dynamicSupervisor({ template: stage.worker("t") })).start();
    const first = await startChild(simple, []);
    await startChild(simple, []);
    for (const call of [
      terminateChild(simple, "t-1"),
      restartChild(simple, "t-1"),
      deleteChild(simple, "t-1"),
    ])
      expect(await answer(call)).toBe("simple_one_for_one");
    expect(await answer(terminateChild(simple, stage.ref("a")))).toBe("not_found");
    expect(await answer(terminateChild(simple, first!))).toBe("ok");
    expect(await answer(terminateChild(simple, first!))).toBe("ok");
    expect(await countChildren(simple)).toMatchObject({ active: 1, workers: 1 });

    const dynamic = createActor(dynamicSupervisor()).start();
    await startChild(dynamic, stage.worker("x"));
    await startChild(dynamic, stage.worker("y"));
    expect(await answer(startChild(dynamic, stage.worker("x")))).toBe("already_started");
    expect(await answer(terminateChild(dynamic, "x"))).toBe("ok");
    expect(await answer(terminateChild(dynamic, stage.ref("y")))).toBe("ok");
    expect(await countChildren(dynamic)).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 });
  });

  it("F9.75 whichChildren lists the newest first", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [
        stage.worker("a"),
        supervisorSpec("s", { children: [] }),
        stage.worker("t", { restart: "transient" }),
      ],
    });
    await stage.end("t", "normal");
    const listed = await whichChildren(app.root);
    expect(listed.map(({ id, state, type }) => `${id} ${state} ${type}`)).toEqual([
      "t stopped worker",
      "s running supervisor",
      "a running worker",
    ]);
    expect(listed[2]!.ref).toBe(stage.ref("a"));
    expect(listed[0]!.ref).toBeUndefined();
  });

  it("F9.76 F9.77 the counts stay right with 2,000 instances, and when all are killed", async () => {
    const stage = new Stage();
    const simple = createActor(
      dynamicSupervisor({ intensity: 0, template: { ...stage.worker("t"), restart: "temporary" } }),
    ).start();
    const refs = [];
    for (let index = 0; index < 2_000; index += 1) refs.push(await startChild(simple, []));
    expect(await countChildren(simple)).toEqual({ specs: 1, active: 2_000, supervisors: 0, workers: 2_000 });
    for (const ref of refs) kill(ref!);
    expect(await countChildren(simple)).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 0 });
  });

  it("F9.78 calls that arrive during a restart are answered after it", async () => {
    const stage = new Stage();
    const app = await stage.start({
      strategy: "one_for_all",
      children: [stage.worker("a"), stage.worker("slow", { stop: 100 })],
    });
    await stage.end("a");
    let answered = false;
    const counts = countChildren(app.root).finally(() => (answered = true));
    await stage.pass(90);
    expect(answered).toBe(false);
    await stage.pass(10);
    expect(await counts).toMatchObject({ active: 2 });
  });

  it("F9.78 calls that arrive during a shutdown are answered with its end", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [stage.worker("slow", { stop: 100 })] });
    const stopping = app.stop();
    const started = answer(startChild(app.root, stage.worker("x")));
    expect(await stage.pass(100)).not.toContain("+x");
    expect(await started).toBe("noproc");
    await stopping;
  });

  it("kill does nothing to what is dead, or has no supervisor", async () => {
    const stage = new Stage();
    await ab(stage);
    const first = stage.ref("a");
    kill(first);
    kill(first);
    expect(await stage.settle()).toBe("-a killed +a");
    const free = createActor(server({ init: () => 0, receive: (state) => state })).start();
    kill(free);
    expect(isAlive(free)).toBe(true);
    expect([isAlive(first), isAlive(stage.ref("a"))]).toEqual([false, true]);
  });

  it("what is no actor, no id and no specification is rejected by name, and harms nobody", async () => {
    const stage = new Stage();
    const { root } = await stage.start({ children: [stage.worker("a")] });
    for (const nothing of [undefined, null, 7, {}, []] as never[]) {
      expect(await answer(terminateChild(root, nothing))).toBe("child");
      for (const call of [restartChild, deleteChild, getChildSpec])
        expect(await answer(call(root, nothing))).toBe("id");
      expect(await answer(startChild(root, nothing))).toMatch(/^child/);
      expect(await answer(countChildren(nothing))).toBe("supervisor");
    }
    expect(living(stage.app)).toBe("a");
  });
});
