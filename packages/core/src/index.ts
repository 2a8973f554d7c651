export { AttemptBudget } from "./attempt-budget.ts";
export { backoffMs, type BackoffOptions } from "./backoff.ts";
export { systemClock, type Clock, type Timer } from "./clock.ts";
export { Deadline } from "./deadline.ts";
export { DspexError, messageOf, type DspexErrorOptions, type ErrorCode, type ErrorCodes } from "./errors.ts";
export { createId, type IdGenerator } from "./ids.ts";
export { createManualClock, type ManualClock } from "./manual-clock.ts";
export { choiceOption, durationOption, integerOption, invalidOption, show, textOption } from "./options.ts";
export { createRedactor, type Redactor } from "./redact.ts";
