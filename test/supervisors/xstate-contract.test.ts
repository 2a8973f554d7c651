import { describe, expect, it } from "@jest/globals";
import {
  createActor,
  createMachine,
  fromCallback,
  fromObservable,
  fromPromise,
  fromTransition,
  type ActorLogic,
  type AnyActorRef,
  type AnyActorScope,
  type EventObject,
  type Snapshot,
} from "xstate";
import { deferExits, relay } from "../../supervisors/src/relay.ts";

/*
 * What supervision rests on in XState, fact by fact. When one of these fails after an update, the code that names the fact
 * must be looked at again.
 */

type Heard = {
  readonly events: EventObject[];
  readonly actor: ReturnType<typeof createActor>;
  readonly scope: AnyActorScope;
};

/** A parent of plain logic that writes down what it receives. */
function parent(): Heard {
  const events: EventObject[] = [];
  let scope!: AnyActorScope;
  const active = { status: "active", output: undefined, error: undefined } as const;
  const logic: ActorLogic<Snapshot<unknown>, EventObject> = {
    getInitialSnapshot(given) {
      scope = given as AnyActorScope;
      return active;
    },
    transition(snapshot, event) {
      events.push(event);
      return snapshot;
    },
    getPersistedSnapshot: (snapshot) => snapshot,
  };
  const actor = createActor(logic);
  actor.subscribe({ error: () => {} });
  return { events, actor: actor.start(), scope };
}

const failing = fromTransition((): number => {
  throw new Error("crash");
}, 0);

describe("facts of XState", () => {
  it("an actor that is made with a parent tells the parent of its end by its id, and the parent's logic decides", () => {
    const { events, actor } = parent();
    const done = createActor(
      createMachine({ initial: "end", states: { end: { type: "final" } }, output: 7 }),
      {
        parent: actor as AnyActorRef,
        id: "done#1",
      },
    ).start();
    const failed = createActor(failing, { parent: actor as AnyActorRef, id: "failed#2" }).start();
    failed.send({ type: "any" });
    expect(done.getSnapshot().status).toBe("done");
    expect(events).toEqual([
      { type: "xstate.done.actor.done#1", output: 7, actorId: "done#1" },
      { type: "xstate.error.actor.failed#2", error: new Error("crash"), actorId: "failed#2" },
    ]);
    expect(actor.getSnapshot().status).toBe("active");
  });

  it("an end carries nothing but the id, so two incarnations of one id could not be told apart", () => {
    const { events, actor } = parent();
    for (let incarnation = 0; incarnation < 2; incarnation += 1)
      createActor(failing, { parent: actor as AnyActorRef, id: "same" })
        .start()
        .send({ type: "any" });
    expect(events[0]).toEqual(events[1]);
    expect(Object.keys(events[0]!)).toEqual(["type", "error", "actorId"]);
  });

  it("a throw while an actor is made is kept in its snapshot", () => {
    const machine = createMachine({
      context: () => {
        throw new Error("no");
      },
    });
    expect(createActor(machine).getSnapshot()).toMatchObject({ status: "error", error: { message: "no" } });
  });

  it("a throw while it is started shows when start returns", () => {
    const { actor } = parent();
    const machine = createMachine({
      entry: () => {
        throw new Error("no");
      },
    });
    expect(
      createActor(machine, { parent: actor as AnyActorRef })
        .start()
        .getSnapshot().status,
    ).toBe("error");
  });

  it("stopChild stops an actor of the own table, completes its observers, and tells the parent nothing", () => {
    const { events, actor, scope } = parent();
    const child = createActor(
      fromTransition((state: number) => state, 0),
      { parent: actor as AnyActorRef },
    ).start();
    let completed = 0;
    child.subscribe({ complete: () => (completed += 1) });
    scope.stopChild(child);
    expect([completed, events]).toEqual([1, []]);
    // Nor does its snapshot say so.
    expect(child.getSnapshot().status).toBe("active");
  });

  it("stopChild during a child's own event stops it after that event", () => {
    const { actor, scope } = parent();
    const seen: string[] = [];
    const child: AnyActorRef = createActor(
      fromTransition((state: number, { type }: EventObject) => {
        if (type === "any") scope.stopChild(child);
        seen.push(type);
        return state;
      }, 0),
      { parent: actor as AnyActorRef },
    ).start();
    child.subscribe({ complete: () => seen.push("complete") });
    child.send({ type: "any" });
    expect(seen).toEqual(["any", "xstate.stop", "complete"]);
  });

  it("a parent that ends does not stop actors that are not in its snapshot: the ownership wrapper must", () => {
    const { actor } = parent();
    const child = createActor(
      fromCallback(() => {}),
      { parent: actor as AnyActorRef },
    ).start();
    actor.stop();
    expect(child.getSnapshot().status).toBe("active");
  });

  it("xstate.stop reaches custom logic as an event, and its snapshot is kept", () => {
    const { events, actor } = parent();
    actor.stop();
    expect(events).toEqual([{ type: "xstate.stop" }]);
  });

  it("xstate.stop that is sent to an actor stops it, and its parent hears nothing: the run queue must not let it through", () => {
    const { events, actor } = parent();
    const child = createActor(
      fromCallback(() => {}),
      { parent: actor as AnyActorRef },
    ).start();
    child.send({ type: "xstate.stop" } as never);
    expect(child.getSnapshot().status).toBe("stopped");
    expect(events).toEqual([]);
  });

  it("logic of one's own ends its actor by the status of the snapshot that it returns", () => {
    const { events, actor } = parent();
    const ending = (snapshot: Partial<Snapshot<unknown>>): ActorLogic<Snapshot<unknown>, EventObject> => ({
      getInitialSnapshot: () => ({ status: "active", output: undefined, error: undefined }),
      transition: (before) => ({ ...before, ...snapshot }) as Snapshot<unknown>,
      getPersistedSnapshot: (kept) => kept,
    });
    for (const [id, end] of [
      ["done", { status: "done", output: 7 }],
      ["failed", { status: "error", error: 8 }],
    ] as const)
      createActor(ending(end), { parent: actor as AnyActorRef, id })
        .start()
        .send({ type: "any" });
    expect(events).toEqual([
      { type: "xstate.done.actor.done", output: 7, actorId: "done" },
      { type: "xstate.error.actor.failed", error: 8, actorId: "failed" },
    ]);
  });

  it("logic that inherits from a machine and replaces its transition keeps the machine's chart", () => {
    const machine = createMachine({ initial: "a", states: { a: { on: { go: "b" } }, b: {} } });
    const seen: string[] = [];
    const own: Pick<typeof machine, "transition"> = {
      transition(snapshot, event, scope) {
        seen.push(event.type);
        return machine.transition(snapshot, event, scope);
      },
    };
    const actor = createActor(Object.assign(Object.create(machine) as typeof machine, own)).start();
    actor.send({ type: "go" });
    expect([actor.getSnapshot().value, seen, actor.logic.config]).toEqual(["b", ["go"], machine.config]);
  });

  it("delivery is recursive: a send from inside a handler runs before the handler is done", () => {
    const order: string[] = [];
    const second = createActor(fromTransition((state: number) => (order.push("second"), state), 0)).start();
    const first = createActor(
      fromTransition((state: number) => {
        second.send({ type: "any" });
        order.push("first");
        return state;
      }, 0),
    ).start();
    first.send({ type: "any" });
    expect(order).toEqual(["second", "first"]);
  });

  it("send may be replaced on an actor; what is sent before start is kept for it", () => {
    const seen: string[] = [];
    const actor = createActor(
      fromTransition((state: number, event: EventObject) => (seen.push(event.type), state), 0),
    );
    const { send } = actor as { send: (event: EventObject) => void };
    actor.send = (event) => send({ type: `${event.type}!` });
    actor.send({ type: "early" });
    expect(seen).toEqual([]);
    actor.start();
    actor.send({ type: "late" });
    expect(seen).toEqual(["early!", "late!"]);
  });

  it("logic that XState makes from a function keeps the function as its config; a machine keeps its object and its events", () => {
    const observable = { subscribe: () => ({ unsubscribe: () => {} }) };
    for (const logic of [
      fromPromise(() => Promise.resolve()),
      fromCallback(() => {}),
      failing,
      fromObservable(() => observable),
    ])
      expect(typeof (logic as { config?: unknown }).config).toBe("function");
    const machine = createMachine({
      initial: "a",
      on: { "*": { actions: () => {} }, "otp.shutdown": ".b" },
      states: { a: { on: { deep: "b" } }, b: {} },
    });
    expect(typeof machine.config).toBe("object");
    expect([...machine.events].toSorted()).toEqual(["*", "deep", "otp.shutdown"]);
  });

  it("late observers: completed at once on a done actor, told the error on a failed one, told nothing on a stopped one", () => {
    const told: string[] = [];
    const observer = { complete: () => told.push("complete"), error: () => told.push("error") };
    const stopped = createActor(fromTransition((state: number) => state, 0)).start();
    stopped.stop();
    stopped.subscribe(observer);
    expect(told).toEqual([]);
    createActor(createMachine({ initial: "a", states: { a: { type: "final" } } }))
      .start()
      .subscribe(observer);
    const { actor } = parent();
    const failed = createActor(failing, { parent: actor as AnyActorRef }).start();
    failed.send({ type: "any" });
    failed.subscribe(observer);
    expect(told).toEqual(["complete", "error"]);
  });

  it("what an inspector throws comes out of send", () => {
    const { actor } = parent();
    const inspection = actor.system.inspect(() => {
      throw new Error("inspector");
    });
    expect(() => actor.send({ type: "any" })).toThrow("inspector");
    inspection.unsubscribe();
  });

  it("being stopped is a message to a transition function, and changes its state", () => {
    const seen: string[] = [];
    const actor = createActor(
      fromTransition((count: number, { type }) => (seen.push(type), count + 1), 0),
    ).start();
    actor.stop();
    expect(seen).toEqual(["xstate.stop"]);
    expect(actor.getSnapshot().context).toBe(1);
  });

  it("the snapshot of an actor that failed still has the state from before the failure", () => {
    const actor = createActor(
      fromTransition((count: number, { type }: EventObject) => {
        if (type === "crash") throw new Error("crash");
        return count + 1;
      }, 0),
    );
    actor.subscribe({ error: () => {} });
    actor.start();
    actor.send({ type: "any" });
    actor.send({ type: "crash" });
    expect(actor.getPersistedSnapshot()).toMatchObject({ status: "error", context: 1 });
  });

  it("the system's _relay delivers with a sender, which an inspector is told", () => {
    const sources: unknown[] = [];
    const target = createActor(failing, {
      inspect: (event) => {
        if (event.type === "@xstate.event") sources.push(event.sourceRef);
      },
    });
    target.subscribe({ error: () => {} });
    target.start();
    sources.length = 0;
    const source = createActor(failing);
    relay(source, target, { type: "any" });
    expect(sources).toEqual([source]);
  });

  it("a parent is told of an end through its _send, which can be taken over", () => {
    const { events, actor } = parent();
    const later: (() => void)[] = [];
    deferExits(actor, (tell) => void later.push(tell));
    const child = createActor(failing, { parent: actor as AnyActorRef, id: "a#1" }).start();
    child.send({ type: "any" });
    expect(events).toEqual([]);
    later.forEach((tell) => tell());
    expect(events).toMatchObject([{ type: "xstate.error.actor.a#1" }]);
  });
});
