import type { AnyActorLogic } from "xstate";
import { isSupervisorLogic } from "./supervisor-identity.ts";

/**
 * Can this logic answer `otp.shutdown` by reaching `done`? One that cannot is stopped at once instead of being waited for,
 * as an OTP process that does not trap exits ends at once when it is told to shut down.
 *
 * A state machine can when it has a transition for `otp.shutdown` (a wildcard does not count: it takes what it does not
 * mean). Promises, callbacks, observables and transition functions cannot: XState keeps their function as `config`. Any
 * other logic is trusted to.
 */
export function trapsExit(logic: AnyActorLogic): boolean {
  if (isSupervisorLogic(logic)) return true;
  if (typeof logic.config === "function") return false;
  if (!("events" in logic) || !Array.isArray(logic.events)) return true;
  return logic.events.some((descriptor) => descriptor === "otp.shutdown" || descriptor === "otp.*");
}
