/** What has to be decided for a call. */
export interface StrategyQuestion {
  readonly callId: string;
  readonly operation: string;
  /** The endpoints that may answer the call's LM requests, at least one, in the program's own order. */
  readonly endpoints: readonly string[];
}

/** What was decided. */
export interface Strategy {
  /** One of the question's. */
  readonly endpoint: string;
}

/** Decides how a call is served; asked at every call of a program, and never throws. The learner fills this port. */
export interface Strategist {
  choose(question: StrategyQuestion): Strategy;
}
