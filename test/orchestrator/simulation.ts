import { seededRandom } from "@dspex/core";
import type { LearnerEntry, LearnerRecord } from "../../packages/orchestrator/src/entry.ts";
import type { Decision } from "../../packages/orchestrator/src/decision.ts";
import { Learning } from "../../packages/orchestrator/src/learning.ts";

/** How an endpoint answers at a time: after so many milliseconds, or with a failure after so many. */
export type Behaviour = (
  atMs: number,
  operation: string,
) => { readonly ms: number; readonly fails?: boolean };

export interface SimulatedCall extends Decision {
  readonly askedAtMs: number;
}

/**
 * Calls to simulated endpoints, `concurrency` at a time, in simulated time: whenever one ends the next one is decided. A request takes
 * what its endpoint says, give or take 30 %, and its call 5 ms more.
 */
export function simulate(options: {
  readonly endpoints: Readonly<Record<string, Behaviour>>;
  readonly calls: number;
  readonly concurrency?: number;
  readonly operations?: readonly string[];
  readonly seed?: number;
  readonly record?: (entry: LearnerEntry) => void;
}): { readonly calls: SimulatedCall[]; readonly learning: Learning } {
  const { endpoints, concurrency = 8, operations = ["classify"], seed = 1, record = () => {} } = options;
  const names = Object.keys(endpoints);
  const learning = new Learning(seed);
  const noise = seededRandom(seed + 1);
  const calls: SimulatedCall[] = [];
  const running: { endMs: number; settle: () => void }[] = [];
  let atMs = 0;
  let sequence = 0;

  const begin = (): void => {
    const callId = `call-${calls.length}`;
    const operation = operations[calls.length % operations.length]!;
    const asked = { entry: "asked", atMs, callId, operation, endpoints: names } as const;
    record(asked);
    const decision = learning.ask(asked);
    calls.push({ ...decision, askedAtMs: atMs });
    const { ms, fails = false } = endpoints[decision.chose]!(atMs, operation);
    const durationMs = ms * (0.7 + 0.6 * noise());
    const settle = (): void => {
      const outcome = { callId, ok: !fails } as const;
      const heard = (entry: LearnerRecord): void => {
        record(entry);
        learning.learn(entry);
      };
      heard({ entry: "request", sequence: ++sequence, endpoint: decision.chose, durationMs, ...outcome });
      heard({ entry: "call", sequence: ++sequence, durationMs: durationMs + 5, ...outcome });
    };
    running.push({ endMs: atMs + durationMs + 5, settle });
  };

  while (calls.length < options.calls || running.length > 0) {
    while (running.length < concurrency && calls.length < options.calls) begin();
    const next = running.reduce((first, call) => (call.endMs < first.endMs ? call : first));
    running.splice(running.indexOf(next), 1);
    atMs = next.endMs;
    next.settle();
  }
  return { calls, learning };
}

/** The part of the calls that went to an endpoint. */
export function share(calls: readonly SimulatedCall[], endpoint: string): number {
  return calls.filter(({ chose }) => chose === endpoint).length / calls.length;
}

/** The calls at which the operation's usual endpoint changed. */
export function moves(calls: readonly SimulatedCall[]): SimulatedCall[] {
  return calls.filter(({ moved }) => moved !== undefined);
}
