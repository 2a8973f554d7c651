import { pipeline, startRuntime } from "dspex";
import type { Group } from "../row.ts";

const add = (n: number): number => n + 1;

/** Ten stages, each reading the one before. */
const ten = pipeline<number>("ten")
  .stage("s1", add, ({ input }) => input)
  .stage("s2", add, ({ s1 }) => s1)
  .stage("s3", add, ({ s2 }) => s2)
  .stage("s4", add, ({ s3 }) => s3)
  .stage("s5", add, ({ s4 }) => s4)
  .stage("s6", add, ({ s5 }) => s5)
  .stage("s7", add, ({ s6 }) => s6)
  .stage("s8", add, ({ s7 }) => s7)
  .stage("s9", add, ({ s8 }) => s8)
  .stage("s10", add, ({ s9 }) => s9)
  .output(({ s10 }) => s10);

const runs = 300;

/** The time of a stage that does nothing. The start and end of its run are in it, spread over its ten stages. */
export const pipelines: Group = {
  name: "pipelines",
  async start() {
    const runtime = await startRuntime({ pools: { bench: { size: 1 } } });
    const measure = async (): Promise<number> => {
      const startedAt = performance.now();
      for (let run = 0; run < runs; run += 1) {
        const result = await runtime.run(ten, run).result;
        if (result !== run + 10) throw new Error(`A run of ${run} gave ${result}`);
      }
      return (performance.now() - startedAt) / runs / 10;
    };
    return {
      rows: [
        {
          name: "a stage, of ten in a run",
          unit: "ms",
          ours: { name: "DSPex", measure },
          bar: { at: "most", ratio: 0.1 },
        },
      ],
      stop: () => runtime.stop(),
    };
  },
};
