import type { Clock, DspexError } from "@dspex/core";
import type { CallOptions, Program, Turn } from "@dspex/programs";
import { SessionCall, type SessionOutcome } from "./call.ts";
import type { SessionLife } from "./session-life.ts";

/** Options of a call in a session, which gives the affinity key itself. */
export type SessionCallOptions = Omit<CallOptions, "affinity">;

/**
 * A conversation. Each call has the turns before it in its prompt, as DSPy's `History` puts them there, and adds one when it
 * succeeds. Calls run one after the other, in the order in which they were made, on the same worker where that is possible.
 *
 * Leaving its scope ends it. It lives in memory: a session that crashed or expired is gone, and is not restarted.
 */
export interface Session extends AsyncDisposable {
  readonly id: string;
  /**
   * @throws DspexError what the program's own `call` throws; `ERR_SESSION_BUSY`; `ERR_SESSION_ENDED`; `ERR_CANCELLED` or
   * `ERR_DEADLINE_EXCEEDED` while it waits for its turn, when it is not made at all.
   */
  call<In, Out>(program: Program<In, Out>, input: In, options?: SessionCallOptions): Promise<Out>;
  /** Like `call`, but resolves to the outcome and never rejects. Without `meta`: the call was not made. */
  tryCall<In, Out>(
    program: Program<In, Out>,
    input: In,
    options?: SessionCallOptions,
  ): Promise<SessionOutcome<Out>>;
  /** The turns so far, oldest first: inputs and outputs by field, as the programs took and returned them. */
  history(): readonly Turn[];
  /** Takes no further call, lets those that it has finish, and ends. Idempotent: all callers wait for the one end. */
  end(): Promise<void>;
}

/** The handle of a session. `ended` resolves when it is over, however that came. */
export function sessionHandle(life: SessionLife, ended: Promise<void>, clock: Clock): Session {
  const tryCall = <In, Out>(
    program: Program<In, Out>,
    input: In,
    options: SessionCallOptions = {},
  ): Promise<SessionOutcome<Out>> => {
    let call: SessionCall;
    try {
      call = new SessionCall(program as unknown as Program<unknown, unknown>, input, options, clock);
    } catch (error) {
      return Promise.resolve({ ok: false, error: error as DspexError });
    }
    life.accept(call);
    return call.outcome as Promise<SessionOutcome<Out>>;
  };
  const end = (): Promise<void> => {
    life.close();
    return ended;
  };
  return {
    id: life.id,
    tryCall,
    async call(program, input, options) {
      const outcome = await tryCall(program, input, options);
      if (outcome.ok) return outcome.value;
      throw outcome.error;
    },
    history: () => life.history,
    end,
    [Symbol.asyncDispose]: end,
  };
}
