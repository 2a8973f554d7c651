import { kill, server, type ChildSpec } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { assign, createMachine, fromTransition, setup, type AnyActorLogic, type AnyActorRef } from "xstate";
import { Stage } from "./stage.ts";

type Message = { readonly type: "add" | "crash" };

const asServer = server<number, Message>({
  init: () => 0,
  receive(count, { type }) {
    if (type === "crash") throw new Error("crash");
    return count + 1;
  },
});

const asTransition = fromTransition(
  (state: { count: number }, { type }: Message) => {
    if (type === "crash") throw new Error("crash");
    return { count: state.count + 1 };
  },
  { count: 0 },
);

const asMachine = setup({
  types: { context: {} as { count: number }, events: {} as Message },
}).createMachine({
  context: { count: 0 },
  initial: "empty",
  states: { empty: { on: { add: "filled" } }, filled: {} },
  on: {
    add: { actions: assign({ count: ({ context }) => context.count + 1 }) },
    crash: {
      actions: () => {
        throw new Error("crash");
      },
    },
  },
});

const countOf = (ref: AnyActorRef): unknown => {
  const snapshot = ref.getSnapshot() as { state?: number; context?: { count: number } };
  return snapshot.state ?? snapshot.context?.count;
};

async function counting(logic: AnyActorLogic, place: Partial<ChildSpec>) {
  const stage = new Stage();
  const app = await stage.start({
    intensity: 100,
    periodMs: 1_000,
    children: [{ id: "a", name: "a", start: () => logic, ...place }],
  });
  const ref = (): AnyActorRef => app.registry.whereis("a")!;
  const crash = async (): Promise<unknown> => {
    ref().send({ type: "crash" });
    await stage.settle();
    return countOf(ref());
  };
  return { stage, app, ref, crash, count: () => countOf(ref()) };
}

describe.each<[string, AnyActorLogic]>([
  ["a server", asServer],
  ["a transition function", asTransition],
])("%s that crashes", (_name, logic) => {
  it("is reset by default", async () => {
    const { ref, crash } = await counting(logic, {});
    ref().send({ type: "add" });
    expect(await crash()).toBe(0);
  });

  it("goes on from its last good state with on_restart: resume, also after a kill", async () => {
    const { stage, ref, crash, count } = await counting(logic, { on_restart: "resume" });
    ref().send({ type: "add" });
    ref().send({ type: "add" });
    expect(await crash()).toBe(2);
    ref().send({ type: "add" });
    kill(ref());
    await stage.settle();
    expect(count()).toBe(3);
  });

  it("is reset when its state has crashed it max_resumes times in a row, and may then resume again", async () => {
    const { ref, crash } = await counting(logic, { on_restart: "resume", max_resumes: 2 });
    ref().send({ type: "add" });
    expect([await crash(), await crash(), await crash()]).toEqual([1, 1, 0]);
    ref().send({ type: "add" });
    expect(await crash()).toBe(1);
  });

  it("a resume that held out longer than the supervisor's period starts the count anew", async () => {
    const { stage, ref, crash } = await counting(logic, { on_restart: "resume", max_resumes: 2 });
    ref().send({ type: "add" });
    expect([await crash(), await crash()]).toEqual([1, 1]);
    await stage.pass(1_010);
    expect([await crash(), await crash(), await crash()]).toEqual([1, 1, 0]);
  });
});

describe("a state machine that crashes", () => {
  it("resumes in its state, with its context", async () => {
    const { ref, crash } = await counting(asMachine, { on_restart: "resume" });
    ref().send({ type: "add" });
    const before = ref();
    await crash();
    expect(ref()).not.toBe(before);
    expect(ref().getSnapshot()).toMatchObject({ value: "filled", context: { count: 0 }, status: "active" });
  });

  it("that cannot be persisted is reset", async () => {
    const inline = createMachine({
      invoke: { src: fromTransition((state: number) => state, 0) },
      initial: "one",
      states: { one: { on: { next: "two" } }, two: {} },
      on: {
        crash: {
          actions: () => {
            throw new Error("crash");
          },
        },
      },
    });
    const { ref, crash } = await counting(inline, { on_restart: "resume" });
    ref().send({ type: "next" });
    await crash();
    expect(ref().getSnapshot()).toMatchObject({ status: "active" });
  });
});

describe("on_restart: resume", () => {
  it("does not bring back the state of a child that ended normally, or that was stopped with a sibling", async () => {
    const stage = new Stage();
    const app = await stage.start({
      strategy: "one_for_all",
      intensity: 9,
      children: [
        { id: "a", name: "a", start: () => asServer, on_restart: "resume" },
        stage.worker("b", { name: "b" }),
      ],
    });
    app.registry.whereis("a")!.send({ type: "add" });
    await stage.end("b");
    expect(countOf(app.registry.whereis("a")!)).toBe(0);
  });

  it.each([
    [{ on_restart: "again" }, "on_restart"],
    [{ on_restart: "resume", type: "supervisor" }, "on_restart"],
    [{ on_restart: "resume", max_resumes: 0 }, "max_resumes"],
  ])("rejects %j by name", async (place, option) => {
    await expect(counting(asServer, place as Partial<ChildSpec>)).rejects.toMatchObject({
      code: "ERR_INVALID_OPTION",
      details: { option: `children[0].${option}` },
    });
  });
});
