import { deferred } from "@dspex/core";
import { cancelVia, sendVia, server, startApplication, type ChildSpec } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { assign, sendTo, setup, type AnyActorRef, type AnyStateMachine } from "xstate";
import { Stage } from "./stage.ts";

type Send = typeof sendVia;

/** More machines than XState's sendTo gets through. */
const length = 5_000;

/** Machines that hand a message to the next one; the last one tells. */
function chain(send: Send, arrived: () => void): ChildSpec[] {
  const refs: AnyActorRef[] = [];
  return Array.from({ length }, (_, index) => ({
    id: `m${index}`,
    name: `m${index}`,
    restart: "temporary",
    start: () =>
      setup({ types: { events: {} as { type: "hop" } } }).createMachine({
        entry: ({ self }) => {
          refs[index] = self;
        },
        on: {
          hop: {
            actions: index + 1 === length ? arrived : send(() => refs[index + 1]!, { type: "hop" }),
          },
        },
      }),
  }));
}

describe("sendVia", () => {
  it("hands a message through 5,000 machines, and ends none of them", async () => {
    const done = deferred<void>();
    const app = await startApplication({ children: chain(sendVia, done.resolve) });
    app.registry.whereis("m0")!.send({ type: "hop" });
    await done.promise;
    expect(app.tree().children).toHaveLength(length);
    app.root.stop();
  });

  it("is the remedy that a report names when XState's own sendTo overflows the stack; nobody is lost by that", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: chain(sendTo as unknown as Send, () => {}) });
    app.registry.whereis("m0")!.send({ type: "hop" });
    await stage.settle();
    const ended = stage.reports.filter(({ report }) => report === "child_terminated");
    expect(ended[0]).toMatchObject({
      reason: { error: { code: "ERR_STACK_OVERFLOW", message: expect.stringContaining("sendVia") } },
    });
    // Whoever the overflow has ended is gone from the tree; the others still answer.
    const living = app.tree().children;
    expect(living).toHaveLength(length - ended.length);
    for (const { id } of living) {
      const before = app.registry.whereis(id)!;
      before.send({ type: "otp.unknown" });
      expect(before.getSnapshot().status).toBe("active");
    }
    await app.stop();
    expect(await app.finished).toBe("shutdown");
  });

  it("sends to whoever has a name at that time; to a name that nobody has goes a dead letter", async () => {
    const stage = new Stage();
    const app = await stage.start({
      intensity: 9,
      children: [
        stage.worker("target", { name: "target" }),
        {
          id: "m",
          name: "m",
          start: () =>
            setup({}).createMachine({
              on: {
                end: { actions: sendVia("target", () => ({ type: "end", reason: "normal" })) },
                lost: { actions: sendVia("nobody", ({ event }) => ({ ...event, seen: true })) },
              },
            }),
        },
      ],
    });
    const m = app.registry.whereis("m")!;
    m.send({ type: "end" });
    m.send({ type: "end" });
    await stage.settle();
    expect(app.tree().children[0]).toMatchObject({ id: "target", incarnation: 3 });
    m.send({ type: "lost" });
    expect(app.deadLetters).toBe(1);
  });

  it("reaches an actor that a machine has invoked, after the handlers that run", async () => {
    const order: string[] = [];
    const inner = setup({}).createMachine({
      on: { "*": { actions: ({ event }) => order.push(event.type) } },
    });
    const machine = setup({ actors: { inner } }).createMachine({
      invoke: { src: "inner", id: "helper" },
      on: {
        go: {
          actions: [
            sendVia(({ self }) => self.getSnapshot().children["helper"] as AnyActorRef, { type: "first" }),
            sendVia(({ self }) => self.getSnapshot().children["helper"] as AnyActorRef, { type: "second" }),
            () => order.push("handler done"),
          ],
        },
      },
    });
    const app = await startApplication({ children: [{ id: "m", name: "m", start: () => machine }] });
    app.registry.whereis("m")!.send({ type: "go" });
    expect(order).toEqual(["handler done", "first", "second"]);
    await app.stop();
  });

  describe("later", () => {
    /** A machine that counts its ticks and arms one 50 ms ahead. */
    const ticking = (): AnyStateMachine =>
      setup({ types: { context: {} as { ticks: number } } }).createMachine({
        context: { ticks: 0 },
        on: {
          arm: { actions: sendVia(({ self }) => self, { type: "tick" }, { delayMs: 50, id: "tick" }) },
          cancel: { actions: cancelVia("tick") },
          tick: { actions: assign({ ticks: ({ context }) => context.ticks + 1 }) },
          crash: {
            actions: () => {
              throw new Error("crash");
            },
          },
        },
      });

    async function armed() {
      const stage = new Stage();
      const app = await stage.start({
        intensity: 9,
        children: [{ id: "m", name: "m", start: ticking }],
      });
      const send = (type: string): void => app.registry.whereis("m")!.send({ type });
      const ticks = (): number =>
        (app.registry.whereis("m")!.getSnapshot() as { context: { ticks: number } }).context.ticks;
      send("arm");
      return { stage, send, ticks };
    }

    it("comes when its time has come, once", async () => {
      const { stage, ticks } = await armed();
      await stage.pass(49);
      expect(ticks()).toBe(0);
      await stage.pass(100);
      expect(ticks()).toBe(1);
    });

    it("does not come when it was cancelled; one of the same id takes the place of an earlier one", async () => {
      const { stage, send, ticks } = await armed();
      await stage.pass(30);
      send("arm");
      await stage.pass(30);
      expect(ticks()).toBe(0);
      send("cancel");
      await stage.pass(100);
      expect(ticks()).toBe(0);
    });

    it("ends with its sender: the replacement does not get it, and no timer is left", async () => {
      const { stage, send, ticks } = await armed();
      send("crash");
      await stage.settle();
      expect(stage.clock.pending).toBe(0);
      await stage.pass(100);
      expect(ticks()).toBe(0);
    });
  });
});

describe("the clock of a start", () => {
  it("has timers that fire, can be cancelled, and end with the incarnation", async () => {
    const stage = new Stage();
    const fired: string[] = [];
    await stage.start({
      intensity: 9,
      children: [
        {
          id: "a",
          name: "a",
          start({ clock, generation }) {
            for (const ms of [10, 20, 30])
              clock.setTimeout(() => fired.push(`${generation} at ${clock.now()} for ${ms}`), ms);
            clock.setTimeout(() => fired.push("cancelled"), 5).cancel();
            return stage.logic("a");
          },
        },
      ],
    });
    await stage.pass(15);
    await stage.end("a");
    expect(stage.clock.pending).toBe(3);
    await stage.pass(12);
    expect(fired).toEqual(["1 at 10 for 10", "2 at 25 for 10"]);
  });

  it("costs the end of another actor nothing", async () => {
    const stage = new Stage();
    await stage.start({
      intensity: 9,
      children: [
        stage.worker("a"),
        {
          id: "b",
          start({ clock }) {
            for (let n = 0; n < 1_000; n += 1) clock.setTimeout(() => {}, 1_000);
            return server<null, { type: "x" }>({ init: () => null, receive: () => null });
          },
        },
      ],
    });
    await stage.end("a");
    expect(stage.clock.pending).toBe(1_000);
  });
});
