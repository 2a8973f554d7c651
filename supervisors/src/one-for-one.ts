import type { Strategy } from "./strategy.ts";

/** Only the child that ended is started again. */
export const oneForOne: Strategy = (child) => [{ do: "start", child }];
