import { setImmediate as turn } from "node:timers/promises";
import { deferred } from "@dspex/core";
import { server, startApplication, startChild, terminateChild, type ChildSpec } from "@dspex/supervisors";
import { createActor, setup, type AnyActorLogic, type AnyActorRef, type InspectionEvent } from "xstate";
import type { Row } from "../row.ts";
import { createVictim, manyRestarts } from "./restart.ts";
import { meanOf, microsecondsEach } from "./timing.ts";
import { counter, spawn, startPool } from "./trees.ts";

const restarts = 200;
const messages = 200_000;
const stops = 10_000;
const timers = 10_000;
const hops = 20_000;
const inspected = 20_000;

/** From the crash of a child to its replacement. */
async function restartAmong(siblings: number): Promise<number> {
  const victim = createVictim();
  const children = Array.from({ length: siblings }, (_, index): ChildSpec => ({
    id: `sibling-${index}`,
    start: () => counter,
  }));
  children.splice(siblings / 2, 0, victim.spec);
  const app = await startApplication({ ...manyRestarts, children });
  const each = await microsecondsEach(restarts, async () => {
    for (let restart = 0; restart < restarts; restart += 1) await victim.crash();
  });
  await app.stop();
  return each;
}

/** Sends from outside, each delivered when `send` returns. */
async function sendTo(ref: AnyActorRef): Promise<number> {
  const before = ref.getSnapshot().context as number;
  const each = await microsecondsEach(messages, () => {
    for (let message = 0; message < messages; message += 1) ref.send({ type: "add" });
  });
  if (ref.getSnapshot().context !== before + messages) throw new Error("A message is missing.");
  return each;
}

async function sendSupervised(): Promise<number> {
  const pool = await startPool(() => counter);
  const [ref] = await spawn(pool, 1);
  const each = await sendTo(ref!);
  await pool.app.stop();
  return each;
}

/** Stops actors that have no timer, beside actors that have one each, or none. */
async function stopBeside(armed: boolean): Promise<number> {
  const pool = await startPool((scope, arm: boolean) => {
    if (arm) scope.clock.setTimeout(() => {}, 600_000);
    return counter;
  });
  await spawn(pool, timers, armed);
  const refs = await spawn(pool, stops, false);
  const each = await microsecondsEach(stops, async () => {
    for (const ref of refs) await terminateChild(pool.supervisor, ref);
  });
  await pool.app.stop();
  return each;
}

/** One message through a chain of actors, each of which sends to the next from inside its own handler. */
async function hop(): Promise<number> {
  const arrived = deferred<void>();
  const pool = await startPool((_, next: AnyActorRef | undefined) =>
    server({
      init: () => 0,
      receive(state, message) {
        if (next === undefined) arrived.resolve();
        else next.send(message);
        return state;
      },
    }),
  );
  let first: AnyActorRef | undefined;
  for (let actor = 0; actor < hops; actor += 1) first = await startChild(pool.supervisor, [first]);
  const each = await microsecondsEach(hops, () => {
    first!.send({ type: "hop" });
    return arrived.promise;
  });
  await pool.app.stop();
  return each;
}

const toggle = setup({}).createMachine({
  context: { count: 0 },
  initial: "off",
  states: { off: { on: { add: "on" } }, on: { on: { add: "off" } } },
});

/** What a live view does: it notes who changed, and looks at them ten times a second. */
function coalescingInspector(): {
  readonly next: (event: InspectionEvent) => void;
  readonly stop: () => void;
} {
  const changed = new Map<AnyActorRef, number>();
  const flush = setInterval(() => {
    for (const [actor, events] of changed)
      JSON.stringify({ id: actor.id, events, snapshot: actor.getSnapshot() });
    changed.clear();
  }, 100);
  return {
    next: ({ actorRef }) =>
      void changed.set(actorRef as AnyActorRef, (changed.get(actorRef as AnyActorRef) ?? 0) + 1),
    stop: () => clearInterval(flush),
  };
}

/** What an attached inspector adds to a message. */
async function inspectionOf(logic: AnyActorLogic): Promise<number> {
  const pool = await startPool(() => logic);
  const [ref] = await spawn(pool, 1);
  const send = (): Promise<number> =>
    microsecondsEach(inspected, async () => {
      for (let message = 0; message < inspected; message += 1) {
        ref!.send({ type: "add" });
        if (message % 1_000 === 0) await turn();
      }
    });
  const detached = await send();
  const inspector = coalescingInspector();
  const detach = pool.app.inspect(inspector);
  const attached = await send();
  detach();
  inspector.stop();
  await pool.app.stop();
  return attached - detached;
}

/** What happens inside a tree that is up. */
export const treeRows: readonly Row[] = [
  {
    name: "one restart among 10,000 siblings",
    unit: "µs",
    ours: { name: "10,000", measure: () => restartAmong(10_000) },
    peer: { name: "10", measure: () => meanOf(10, () => restartAmong(10)) },
    bar: { at: "most", ratio: 10 },
  },
  {
    name: "message",
    unit: "µs",
    ours: { name: "supervised", measure: sendSupervised },
    peer: { name: "bare fromTransition", measure: () => sendTo(createActor(counter).start()) },
    bar: { at: "most", ratio: 1.5 },
  },
  {
    name: "stop of an actor while 10,000 timers are armed",
    unit: "µs",
    ours: { name: "10,000 timers", measure: () => stopBeside(true) },
    peer: { name: "no timer", measure: () => stopBeside(false) },
    bar: { at: "most", ratio: 2 },
  },
  {
    name: "one hop, in a chain of 20,000 actors",
    unit: "µs",
    ours: { name: "supervised", measure: hop },
  },
  {
    name: "attached inspector, per message to a transition function",
    unit: "µs",
    ours: { name: "coalescing", measure: () => inspectionOf(counter) },
    bar: { at: "most", ratio: 10 },
  },
  {
    name: "attached inspector, per message to a state machine",
    unit: "µs",
    ours: { name: "coalescing", measure: () => inspectionOf(toggle) },
    bar: { at: "most", ratio: 10 },
  },
];
