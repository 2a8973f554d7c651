import { restartGroup } from "./restart-group.ts";
import type { Strategy } from "./strategy.ts";

/** All children are stopped and started again when one of them is to be restarted. */
export const oneForAll: Strategy = (child, table) => restartGroup(child, table.all());
