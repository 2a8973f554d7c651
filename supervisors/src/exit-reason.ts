/**
 * Why an actor ended, as OTP distinguishes it. `normal`, `shutdown` and `{ shutdown: x }` are the normal class: a
 * transient child that ends with one of them is not restarted.
 *
 * An actor ends normally when its logic is done. Its output says more when it is `{ reason: ExitReason }`; any other
 * output counts as `normal`, and as `shutdown` when its supervisor had asked it to stop.
 */
export type ExitReason =
  | "normal"
  | "shutdown"
  | { readonly shutdown: unknown }
  /** It threw, rejected or set its status to `error`; the value is the cause. */
  | { readonly error: unknown }
  /** It was stopped from outside without being asked. */
  | "killed";

/** What an actor's output looks like when it states its own exit reason. */
export interface ExitOutput {
  readonly reason: ExitReason;
}

/** Does this reason belong to the normal class? */
export function isNormalExit(reason: ExitReason): boolean {
  return reason === "normal" || reason === "shutdown" || (typeof reason === "object" && "shutdown" in reason);
}

/** Did it fail, rather than end or be ended? */
export function isErrorExit(reason: ExitReason): reason is { readonly error: unknown } {
  return typeof reason === "object" && "error" in reason;
}

/** The exit reason that a `done` actor's output states; `fallback` when it states none. */
export function exitReasonOf(output: unknown, fallback: "normal" | "shutdown"): ExitReason {
  if (typeof output !== "object" || output === null || !("reason" in output)) return fallback;
  const { reason } = output;
  return isExitReason(reason) ? reason : fallback;
}

function isExitReason(value: unknown): value is ExitReason {
  if (value === "normal" || value === "shutdown" || value === "killed") return true;
  return typeof value === "object" && value !== null && ("shutdown" in value || "error" in value);
}
