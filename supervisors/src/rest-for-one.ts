import { restartGroup } from "./restart-group.ts";
import type { Strategy } from "./strategy.ts";

/** The child that ended and those started after it are started again; the earlier ones are left alone. */
export const restForOne: Strategy = (child, table) => restartGroup(child, table.from(child));
