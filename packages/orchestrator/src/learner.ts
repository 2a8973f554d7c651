import { integerOption, type Clock } from "@dspex/core";
// Declares `lm.request.settled`, which the learner hears.
import type {} from "@dspex/lm";
import type { Strategist } from "@dspex/programs";
import { server, type ChildSpec } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";
import { because, explain, type Decision, type Explanation } from "./decision.ts";
import type { AskedEntry, LearnerEntry, LearnerRecord } from "./entry.ts";
import type { Insight } from "./insights.ts";
import { Learning } from "./learning.ts";
import { RecordBatch } from "./record-batch.ts";

/** Decisions that can be explained; the oldest is forgotten first. */
const maxExplained = 10_000;

export interface LearnerOptions {
  /** Of the learner's random numbers; a whole number. Beside the log all that its decisions depend on. @default 0 */
  readonly seed?: number;
  /** Gets all that the learner sees, in order: what `replay` makes the same decisions of (G12). @default nobody */
  readonly log?: (entry: LearnerEntry) => void;
}

export interface LearnerPorts {
  readonly clock: Clock;
  readonly telemetry: TelemetryBus;
}

/** Chooses among endpoints, learns from how it went, and says why. The handle survives restarts of the actor behind it. */
export interface Learner extends Strategist {
  /** What was measured, a row per operation and endpoint; none while there is no learner. */
  insights(): readonly Insight[];
  /** Why a call went where it went; known of the latest 10,000 calls. */
  explain(callId: string): Explanation | undefined;
}

type LearnerMessage =
  | { readonly type: "records"; readonly records: readonly LearnerRecord[] }
  | { readonly type: "failed"; readonly error: unknown };

/** A living learner, as its handle reaches it. A question cannot wait for a message. */
interface Incarnation {
  readonly learning: Learning;
  readonly failed: (error: unknown) => void;
}

/**
 * A learner: its handle, and the actor that `tree.ts` puts under `intelligence`. What was learnt lives and dies with the
 * actor. While there is none, and should a decision fail, calls go to their first endpoint and their explanation says so.
 *
 * @throws DspexError `ERR_INVALID_OPTION` for a seed that is not a whole number.
 */
export function createLearner(
  options: LearnerOptions,
  ports: LearnerPorts,
): { learner: Learner; spec: ChildSpec } {
  const { clock, telemetry } = ports;
  const log = harmless(options.log ?? (() => {}));
  const seed = integerOption("learner.seed", options.seed, { default: 0, min: Number.MIN_SAFE_INTEGER });
  const decisions = new Map<string, Decision>();
  let alive: Incarnation | undefined;

  const spec: ChildSpec = {
    id: "learner",
    name: "learner",
    start: () =>
      server<Learning, LearnerMessage>({
        init({ self }) {
          const learning = new Learning(seed);
          const batch = new RecordBatch(ports, (records) => self.send({ type: "records", records }));
          const incarnation: Incarnation = {
            learning,
            failed: (error) => self.send({ type: "failed", error }),
          };
          const release = (): void => {
            batch.close();
            if (alive === incarnation) alive = undefined;
          };
          self.subscribe({ complete: release, error: release });
          log({ entry: "started" });
          alive = incarnation;
          return learning;
        },
        receive(learning, message) {
          if (message.type === "failed") throw message.error;
          for (const record of message.records) {
            log(record);
            learning.learn(record);
          }
          return learning;
        },
      }),
  };

  const decide = (question: AskedEntry): Decision => {
    if (alive === undefined) return withoutLearner(question);
    const { learning, failed } = alive;
    try {
      log(question);
      return learning.ask(question);
    } catch (error) {
      // No call fails because of the learner; it is the learner that is started again.
      alive = undefined;
      failed(error);
      return withoutLearner(question);
    }
  };

  return {
    spec,
    learner: {
      choose({ callId, operation, endpoints }) {
        const decision = decide({ entry: "asked", atMs: clock.now(), callId, operation, endpoints });
        decisions.set(callId, decision);
        if (decisions.size > maxExplained) decisions.delete(decisions.keys().next().value!);
        if (decision.moved !== undefined) reportMove(telemetry, decision, decision.moved);
        return { endpoint: decision.chose };
      },
      insights: () => alive?.learning.insights() ?? [],
      explain(callId) {
        const decision = decisions.get(callId);
        return decision === undefined ? undefined : explain(decision);
      },
    },
  };
}

/** A move has its reason also where this very call is a trial. */
function reportMove(
  telemetry: TelemetryBus,
  decision: Decision,
  { from, to }: NonNullable<Decision["moved"]>,
): void {
  const reason = because({ ...decision, why: "best", chose: to });
  telemetry.emit("learner.moved", { operation: decision.operation, from, to, because: reason });
}

/** A log that fails costs itself entries, and nobody else anything. */
function harmless(log: (entry: LearnerEntry) => void): (entry: LearnerEntry) => void {
  return (entry) => {
    try {
      log(entry);
    } catch {
      // Whoever watches must not disturb what is watched.
    }
  };
}

function withoutLearner({ callId, operation, endpoints }: AskedEntry): Decision {
  return { callId, operation, chose: endpoints[0]!, among: endpoints, why: "no learner", estimates: [] };
}
