import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Row } from "../row.ts";

const actors = 100_000;
const restarts = 100_000;

/** What a program of `fixtures` tells, run in a process of its own whose heap is nobody else's. */
async function told<T>(fixture: string, count: number): Promise<T> {
  const program = fork(path.join(import.meta.dirname, "../fixtures", fixture), [String(count)]);
  const [message] = (await Promise.race([
    once(program, "message"),
    once(program, "exit").then(([code]) => {
      throw new Error(`${fixture} ended with ${code} and told nothing.`);
    }),
  ])) as [T];
  return message;
}

/** Runs that several rows read: each reader gets the first run first, the second run second, and so on. */
function shared<T>(run: () => Promise<T>): () => () => Promise<T> {
  const runs: Promise<T>[] = [];
  return () => {
    let next = 0;
    return () => (runs[next++] ??= run());
  };
}

const idle = shared(() => told<{ residentBytes: number; heapBytes: number }>("idle-actors.ts", actors));

/** Held before, after the first round of restarts and after the second. */
const restarted = shared(() => told<[number, number, number]>("restarts.ts", restarts));

function contender<T>(name: string, read: () => Promise<T>, value: (run: T) => number): Row["ours"] {
  return { name, measure: async () => value(await read()) };
}

/** What is held after a full collection, in processes that do nothing else. */
export const memoryRows: readonly Row[] = [
  {
    name: "100,000 idle actors, resident memory",
    unit: "MB",
    ours: contender("supervised", idle(), ({ residentBytes }) => residentBytes / 1e6),
    bar: { at: "most", ratio: 250 },
  },
  {
    name: "one of 100,000 idle actors, heap",
    unit: "bytes",
    ours: contender("supervised", idle(), ({ heapBytes }) => heapBytes / actors),
    bar: { at: "most", ratio: 2_500 },
  },
  {
    name: "heap kept by one of 100,000 restarts",
    unit: "bytes",
    ours: contender("supervised", restarted(), ([before, first]) => (first - before) / restarts),
    bar: { at: "most", ratio: 100 },
  },
  {
    name: "heap after 100,000 further restarts",
    unit: "MB",
    ours: contender("200,000", restarted(), ([, , second]) => second / 1e6),
    peer: contender("100,000", restarted(), ([, first]) => first / 1e6),
    bar: { at: "most", ratio: 1 },
  },
];
