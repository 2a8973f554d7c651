import {
  dynamicSupervisorSpec,
  kill,
  startChild,
  supervisor,
  supervisorSpec,
  terminateChild,
  whichChildren,
} from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import {
  createActor,
  createMachine,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
} from "xstate";
import { answer, Stage } from "./stage.ts";

describe("shutdown", () => {
  it("F7.48 children are stopped one after another, in reverse start order", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: ["a", "b", "c"].map((id) => stage.worker(id, { stop: 100 })) });
    stage.take();
    const stopping = app.stop();
    expect(await stage.pass(90)).toBe("");
    expect(await stage.pass(10)).toBe("-c");
    expect(await stage.pass(100)).toBe("-b");
    expect(await stage.pass(100)).toBe("-a");
    await stopping;
    expect(stage.clock.pending).toBe(0);
  });

  it("F7.49 a child that does not end in time is killed, and that is reported", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [stage.worker("a"), stage.worker("deaf", { stop: "never", shutdown: 200 })],
    });
    stage.take();
    const stopping = app.stop();
    expect(await stage.pass(190)).toBe("");
    expect(await stage.pass(10)).toBe("-deaf killed -a");
    await stopping;
    expect(stage.reported("shutdown_error")).toEqual(["deaf killed"]);
  });

  it("F7.50 brutal_kill asks nobody", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [stage.worker("a", { shutdown: "brutal_kill", stop: "never" })],
    });
    stage.take();
    await app.stop();
    expect(stage.take()).toBe("-a killed");
    expect(stage.reported("shutdown_error")).toEqual([]);
  });

  it("F7.51 infinity waits", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [stage.worker("a", { shutdown: "infinity", stop: 3_600_000 })],
    });
    stage.take();
    const stopping = app.stop();
    stage.clock.advance(3_599_999);
    expect(await stage.settle()).toBe("");
    stage.clock.advance(1);
    await stopping;
    expect(stage.take()).toBe("-a");
  });

  it("F7.52 in a mixed list each child has its own time", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [
        stage.worker("prompt"),
        stage.worker("slow", { stop: 300, shutdown: "infinity" }),
        stage.worker("deaf", { stop: "never", shutdown: 50 }),
        stage.worker("brutal", { stop: "never", shutdown: "brutal_kill" }),
      ],
    });
    stage.take();
    const stopping = app.stop();
    expect(await stage.settle()).toBe("-brutal killed");
    expect(await stage.pass(50)).toBe("-deaf killed");
    expect(await stage.pass(300)).toBe("-slow -prompt");
    await stopping;
  });

  it("F7.53 a child that ends otherwise when it is asked to does not stop the shutdown, and is reported", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [stage.worker("a"), stage.worker("b", { stop: "throws" }), stage.worker("c")],
    });
    stage.take();
    await app.stop();
    expect(stage.take()).toBe("-c -b error -a");
    expect(stage.reported("shutdown_error")).toEqual(["b error"]);
    expect(await app.finished).toBe("shutdown");
  });

  it("F7.54 children that end by themselves while a slow one is being stopped are accounted for", async () => {
    const stage = new Stage();
    const ids = ["a", "b", "c", "d"];
    const app = await stage.start({
      children: [...ids.map((id) => stage.worker(id)), stage.worker("slow", { stop: 100 })],
    });
    stage.take();
    const stopping = app.stop();
    for (const id of ids) expect(await stage.end(id, "normal")).toBe(`-${id} normal`);
    expect(await stage.pass(100)).toBe("-slow");
    await stopping;
    // F7.53: a permanent child has no business ending at all.
    expect(stage.reported("shutdown_error")).toEqual(["d normal", "c normal", "b normal", "a normal"]);
    expect(await app.finished).toBe("shutdown");
  });

  it("F7.55 instances are asked all at once and share one timer", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [
        dynamicSupervisorSpec<[string, "never" | "prompt"]>("d", {
          template: { id: "t", shutdown: 100, start: (_scope, id, stop) => stage.logic(id, stop) },
        }),
      ],
    });
    const [d] = await whichChildren(app.root);
    for (let index = 0; index < 50; index += 1)
      await startChild(d!.ref!, [`x${index}`, index % 2 === 0 ? "never" : "prompt"]);
    stage.take();
    const stopping = app.stop();
    expect((await stage.settle()).split(" ")).toHaveLength(25);
    expect(stage.clock.pending).toBe(1);
    expect((await stage.pass(100)).match(/killed/g)).toHaveLength(25);
    await stopping;
    expect(stage.reported("shutdown_error")).toHaveLength(25);
  });

  it("F7.57 F7.58 a supervisor that is killed leaves no descendant behind", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [
        supervisorSpec(
          "s",
          {
            children: [
              stage.worker("a"),
              supervisorSpec("t", { children: [stage.worker("b"), stage.worker("c")] }),
            ],
          },
          { restart: "temporary" },
        ),
      ],
    });
    stage.take();
    const [s] = await whichChildren(app.root);
    kill(s!.ref!);
    expect(await stage.settle()).toBe("-c killed -b killed -a killed");
  });

  it("F7.57 a supervisor that is given a time is killed with its whole table when it is over", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [
        supervisorSpec(
          "s",
          { children: [stage.worker("a"), stage.worker("b", { stop: "never", shutdown: "infinity" })] },
          {
            shutdown: 100,
          },
        ),
      ],
    });
    stage.take();
    const stopping = app.stop();
    expect(await stage.pass(100)).toBe("-b killed -a killed");
    await stopping;
  });

  it("F7.58 a supervisor that is stopped as a bare XState actor takes its children with it", async () => {
    const stage = new Stage();
    const actor = createActor(supervisor({ children: [stage.worker("a"), stage.worker("b")] })).start();
    stage.take();
    actor.stop();
    expect(stage.take()).toBe("-b killed -a killed");
  });

  it("F7.59 a shutdown in the middle of a group restart goes on where that one was", async () => {
    const stage = new Stage();
    const app = await stage.start({
      strategy: "one_for_all",
      children: [stage.worker("a"), stage.worker("b"), stage.worker("slow", { stop: 100 })],
    });
    stage.take();
    await stage.end("a");
    const stopping = app.stop();
    expect(await stage.pass(50)).toBe("");
    expect(await stage.pass(50)).toBe("-slow -b");
    await stopping;
    expect(await stage.pass(100)).toBe("");
  });

  it("stop is idempotent, and every caller waits", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [stage.worker("a", { stop: 50 })] });
    stage.take();
    let stopped = 0;
    const stops = [app.stop(), app.stop(), app[Symbol.asyncDispose]()].map((stop) =>
      Promise.resolve(stop).then(() => (stopped += 1)),
    );
    await stage.pass(40);
    expect(stopped).toBe(0);
    expect(await stage.pass(10)).toBe("-a");
    await Promise.all(stops);
    await app.stop();
  });
});

describe("any XState logic as a child", () => {
  const observable = { subscribe: () => ({ unsubscribe: () => {} }) };
  it.each([
    ["fromPromise", fromPromise(() => new Promise(() => {}))],
    ["fromCallback", fromCallback(() => {})],
    ["fromTransition", fromTransition((state: number) => state, 0)],
    ["fromObservable", fromObservable(() => observable)],
    ["a machine without a transition for otp.shutdown", createMachine({ on: { "*": {} } })],
  ])("%s cannot answer otp.shutdown, so it ends with shutdown at once", async (_name, logic) => {
    const stage = new Stage();
    const app = await stage.start({ children: [{ id: "x", start: () => logic }] });
    await app.stop();
    expect(stage.clock.pending).toBe(0);
    expect(stage.reported("shutdown_error")).toEqual([]);
  });

  it("a machine with a transition for otp.shutdown takes its time and reaches its final state", async () => {
    const stage = new Stage();
    const machine = createMachine({
      initial: "working",
      states: {
        working: { on: { "otp.shutdown": "closing" } },
        closing: { on: { closed: "end" } },
        end: { type: "final" },
      },
    });
    const app = await stage.start({ children: [{ id: "x", start: () => machine }] });
    const [x] = await whichChildren(app.root);
    const stopping = app.stop();
    await stage.settle();
    expect(x!.ref!.getSnapshot()).toMatchObject({ value: "closing" });
    x!.ref!.send({ type: "closed" });
    await stopping;
    expect(stage.reported("shutdown_error")).toEqual([]);
  });

  it("a callback's clean-up and a promise's signal are called", async () => {
    const stage = new Stage();
    const seen: string[] = [];
    const app = await stage.start({
      children: [
        { id: "c", start: () => fromCallback(() => () => void seen.push("cleaned")) },
        {
          id: "p",
          start: () =>
            fromPromise(({ signal }) => {
              signal.addEventListener("abort", () => seen.push("aborted"));
              return new Promise(() => {});
            }),
        },
      ],
    });
    await app.stop();
    expect(seen).toEqual(["aborted", "cleaned"]);
  });

  it("a promise that resolves ends normally, one that rejects crashes", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [
        {
          id: "done",
          restart: "transient",
          start: () => fromPromise(() => Promise.resolve({ reason: "finished" })),
        },
        {
          id: "failed",
          restart: "temporary",
          start: () => fromPromise(() => Promise.reject(new Error("no"))),
        },
      ],
    });
    await stage.settle();
    expect(app.tree().children.map(({ id, state }) => `${id} ${state}`)).toEqual(["done stopped"]);
    expect(stage.reported("child_terminated")).toEqual(["failed error"]);
  });

  it("an actor that is told xstate.stop through its ref counts as killed", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [stage.worker("a")] });
    stage.take();
    stage.ref("a").send({ type: "xstate.stop" });
    expect(await stage.settle()).toBe("-a killed +a");
    expect(await answer(terminateChild(app.root, "a"))).toBe("ok");
  });
});
