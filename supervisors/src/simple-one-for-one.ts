import type { Strategy } from "./strategy.ts";

/** Instances of one template know nothing of each other: only the one that ended is started again. */
export const simpleOneForOne: Strategy = (child) => [{ do: "start", child }];
