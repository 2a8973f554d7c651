import {
  exit,
  isAlive,
  kill,
  server,
  startApplication,
  supervisor,
  supervisorSpec,
} from "@dspex/supervisors";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { createActor, fromCallback, type AnyActorRef } from "xstate";
import { ChildTable } from "../../supervisors/src/child.ts";
import { RunQueue } from "../../supervisors/src/run-queue.ts";
import { SupervisorCore } from "../../supervisors/src/supervisor-core.ts";

/*
 * Each protection is switched off in turn, and the check that holds it must then fail: a check that passes either way would
 * show nothing.
 */

interface Protection {
  readonly name: string;
  readonly switchOff: () => void;
  readonly checks: readonly (readonly [name: string, holds: () => Promise<boolean>])[];
}

const protections: readonly Protection[] = [
  {
    name: "the ownership wrapper",
    switchOff: () => jest.spyOn(SupervisorCore.prototype, "killAll").mockImplementation(() => {}),
    checks: [
      ["F7.58 a supervisor that is killed leaves no descendant behind", killedSupervisorTakesItsChildren],
      [
        "F7.58 a supervisor that is stopped as a bare actor takes its children with it",
        bareStopTakesChildren,
      ],
    ],
  },
  {
    name: "the run queue",
    switchOff: () => {
      jest.spyOn(RunQueue.prototype, "addTurn").mockImplementation((mailbox) => mailbox.deliverNext());
      jest.spyOn(RunQueue.prototype, "urgent").mockImplementation((work) => work());
    },
    checks: [
      ["a chain of 20,000 actors completes and kills nobody", longChainKillsNobody],
      ["a handler is done before what it sent is delivered", handlersAreNotInterrupted],
    ],
  },
  {
    name: "fresh ids",
    switchOff: () =>
      jest.spyOn(ChildTable.prototype, "incarnation").mockImplementation(function (
        this: ChildTable,
        actorId,
      ) {
        return this.get(actorId.slice(0, actorId.indexOf("#")))?.incarnation;
      }),
    checks: [["a late word of an earlier incarnation ends nobody", staleExitEndsNobody]],
  },
];

describe.each(protections)("negative control: $name", ({ switchOff, checks }) => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it.each(checks)("with it, and only with it: %s", async (_name, holds) => {
    expect(await holds()).toBe(true);
    switchOff();
    expect(await holds()).toBe(false);
  });
});

/** A child that says whether it runs. */
function witness() {
  const running = { now: false };
  const logic = fromCallback(() => {
    running.now = true;
    return () => (running.now = false);
  });
  return { running, spec: { id: "witness", start: () => logic } };
}

async function killedSupervisorTakesItsChildren(): Promise<boolean> {
  const { running, spec } = witness();
  const app = await startApplication({
    children: [supervisorSpec("s", { children: [spec] }, { restart: "temporary", name: "s" })],
  });
  kill(app.registry.whereis("s")!);
  await app.stop();
  return !running.now;
}

async function bareStopTakesChildren(): Promise<boolean> {
  const { running, spec } = witness();
  const root = createActor(supervisor({ children: [spec] })).start();
  root.stop();
  return !running.now;
}

async function longChainKillsNobody(): Promise<boolean> {
  const length = 20_000;
  const refs: AnyActorRef[] = [];
  let arrived = false;
  const children = Array.from({ length }, (_, index) => ({
    id: `n${index}`,
    restart: "temporary" as const,
    start: () =>
      server<number, { type: "hop" }>({
        init({ self }) {
          refs[index] = self;
          return index;
        },
        receive(state) {
          if (index + 1 === length) arrived = true;
          else refs[index + 1]!.send({ type: "hop" });
          return state;
        },
      }),
  }));
  const app = await startApplication({ children });
  refs[0]!.send({ type: "hop" });
  while (!arrived && refs.every(isAlive)) await new Promise((resolve) => setImmediate(resolve));
  const alive = refs.every(isAlive);
  app.root.stop();
  return arrived && alive;
}

async function handlersAreNotInterrupted(): Promise<boolean> {
  const order: string[] = [];
  const child = (id: string, then: () => void) => ({
    id,
    name: id,
    start: () =>
      server<null, { type: "go" }>({
        init: () => null,
        receive() {
          order.push(`${id} in`);
          then();
          order.push(`${id} out`);
          return null;
        },
      }),
  });
  const app = await startApplication({
    children: [child("a", () => app.registry.whereis("b")!.send({ type: "go" })), child("b", () => {})],
  });
  app.registry.whereis("a")!.send({ type: "go" });
  await app.stop();
  return order.join(", ") === "a in, a out, b in, b out";
}

async function staleExitEndsNobody(): Promise<boolean> {
  const app = await startApplication({
    intensity: 9,
    children: [
      {
        id: "a",
        name: "a",
        start: () => server<null, { type: "end" }>({ init: () => null, receive: () => exit("normal") }),
      },
    ],
  });
  app.registry.whereis("a")!.send({ type: "end" });
  // What XState says of an actor that was already replaced when it failed.
  app.root.send({ type: "xstate.error.actor.a#1", actorId: "a#1", error: new Error("late") });
  const { incarnation } = app.tree().children[0]!;
  await app.stop();
  return incarnation === 2;
}
