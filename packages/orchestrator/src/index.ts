export type { EndpointEstimate, Explanation } from "./decision.ts";
export type {
  AskedEntry,
  CallEntry,
  LearnerEntry,
  LearnerRecord,
  RequestEntry,
  StartedEntry,
} from "./entry.ts";
export type { LearnerEvents } from "./events.ts";
export type { Insight } from "./insights.ts";
export { createLearner, type Learner, type LearnerOptions, type LearnerPorts } from "./learner.ts";
export { replay } from "./replay.ts";
