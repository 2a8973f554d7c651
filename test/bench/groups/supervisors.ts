import type { Group } from "../row.ts";
import { memoryRows } from "../supervisors/memory.ts";
import { treeRows } from "../supervisors/one-tree.ts";
import { populationRows } from "../supervisors/population.ts";

/** What supervision costs, beside XState without it and beside itself at another size. */
export const supervisors: Group = {
  name: "supervisors",
  async start() {
    return { rows: [...populationRows, ...treeRows, ...memoryRows], stop: async () => {} };
  },
};
