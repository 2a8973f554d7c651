import { startApplication } from "@dspex/supervisors";
import { createActor, setup, spawnChild } from "xstate";
import type { Row } from "../row.ts";
import { meanOf, microsecondsEach } from "./timing.ts";
import { counter, gracefulServer, spawn, startPool } from "./trees.ts";

/** So many more are spawned to tell what one costs at a population. */
const more = 1_000;

/** More than that grows too long for a measurement: `spawnChild` copies the table of children for each of them. */
const nativePopulation = 2_000;

/** One more child beside so many. */
async function spawnBeside(population: number): Promise<number> {
  const pool = await startPool(() => counter);
  await spawn(pool, population);
  const each = await microsecondsEach(more, () => spawn(pool, more));
  await pool.app.stop();
  return each;
}

/** Roots of their own, as XState starts an actor that nobody supervises. */
function startBare(count: number): Promise<number> {
  return microsecondsEach(count, () => Array.from({ length: count }, () => createActor(counter).start()));
}

/** All children of one machine, by XState's own action. */
function spawnNatively(count: number): Promise<number> {
  const machine = setup({
    actors: { counter },
    types: {} as { events: { type: "spawn"; id: string } },
  }).createMachine({
    on: { spawn: { actions: spawnChild("counter", { id: ({ event }) => event.id }) } },
  });
  const parent = createActor(machine).start();
  return microsecondsEach(count, () => {
    for (let index = 0; index < count; index += 1) parent.send({ type: "spawn", id: `child-${index}` });
  });
}

async function spawnSupervised(count: number): Promise<number> {
  const pool = await startPool(() => counter);
  const each = await microsecondsEach(count, () => spawn(pool, count));
  await pool.app.stop();
  return each;
}

/** From nothing to all of them up, and down again, each asked to stop; started one by one. */
async function dynamicLife(children: number): Promise<number> {
  const { logic, stopped } = gracefulServer();
  const each = await microsecondsEach(children, async () => {
    const pool = await startPool(() => logic);
    await spawn(pool, children);
    await pool.app.stop();
  });
  if (stopped() !== children) throw new Error(`${stopped()} of ${children} children were asked to stop.`);
  return each;
}

/** The same of a fixed list of children. */
async function staticLife(children: number): Promise<number> {
  const { logic, stopped } = gracefulServer();
  const specs = Array.from({ length: children }, (_, index) => ({
    id: `child-${index}`,
    start: () => logic,
  }));
  const each = await microsecondsEach(children, async () => {
    const app = await startApplication({ children: specs });
    await app.stop();
  });
  if (stopped() !== children) throw new Error(`${stopped()} of ${children} children were asked to stop.`);
  return each;
}

const lives = { dynamic: dynamicLife, static: staticLife } as const;

function lifeRow(kind: keyof typeof lives, children: number): Row {
  return {
    name: `start and graceful stop of ${children.toLocaleString("en")} children, ${kind} supervisor`,
    unit: "µs/child",
    ours: { name: children.toLocaleString("en"), measure: () => lives[kind](children) },
    peer: { name: "1,000", measure: () => meanOf(Math.min(children / 1_000, 30), () => lives[kind](1_000)) },
    bar: { at: "most", ratio: 3 },
  };
}

/** What children cost as they become many. */
export const populationRows: readonly Row[] = [
  {
    name: "spawn beside 50,000 children",
    unit: "µs",
    ours: { name: "50,000", measure: () => spawnBeside(50_000) },
    peer: { name: "beside 1,000", measure: () => meanOf(10, () => spawnBeside(1_000)) },
    bar: { at: "most", ratio: 3 },
  },
  {
    name: "spawn of 50,000 actors",
    unit: "µs/actor",
    ours: { name: "supervised", measure: () => spawnSupervised(50_000) },
    peer: { name: "createActor().start()", measure: () => startBare(50_000) },
    bar: { at: "most", ratio: 3 },
  },
  {
    name: "spawn of 2,000 actors",
    unit: "µs/actor",
    ours: { name: "supervised", measure: () => meanOf(5, () => spawnSupervised(nativePopulation)) },
    peer: { name: "spawnChild", measure: () => spawnNatively(nativePopulation) },
  },
  ...[10_000, 100_000].flatMap((children) => [lifeRow("dynamic", children), lifeRow("static", children)]),
];
