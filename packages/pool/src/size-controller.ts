import type { TelemetryBus } from "@dspex/telemetry";
import {
  server,
  startChild,
  whichChildren,
  type ChildInfo,
  type ChildSpec,
  type Registry,
} from "@dspex/supervisors";
import { planCrew } from "./crew-plan.ts";
import type { Crew, Member } from "./crew.ts";
import { clamp, decidePoolSize, type PoolSize } from "./pool-size.ts";

/** How long calls must have waited for a further worker before one is started, in milliseconds. */
const scaleUpAfterMs = 200;

/** Between two looks of a pool of which something changes by itself, in milliseconds. */
const lookEveryMs = 100;

type ControllerMessage =
  /** Something has happened to the crew. */
  | { readonly type: "look" }
  | { readonly type: "tick" }
  /** The answer of the workers' supervisor; absent when it ended meanwhile. */
  | { readonly type: "children"; readonly children?: readonly ChildInfo[] };

interface ControllerState {
  /** Unknown until the first look: it begins with what there is. */
  readonly size: PoolSize | undefined;
  /** The supervisor has been asked, and asked again once it has answered. */
  readonly asking: "no" | "once" | "twice";
}

export interface SizeControllerOptions {
  /** The registered name of the controller. */
  readonly name: string;
  /** The registered name of the workers' supervisor. */
  readonly workers: string;
  readonly pool: string;
  readonly crew: Crew;
  readonly registry: Registry;
  readonly telemetry: TelemetryBus;
  /** Calls that want a place in a worker. */
  readonly calls: () => number;
}

/**
 * Brings a pool to its size, and keeps it there: starts workers, lets those go that are superfluous, has those replaced that are due. A
 * crashed worker is its supervisor's business. All that it knows it finds again: when it dies, its replacement asks the supervisor who is there,
 * and when that one has died with all of them, starts others.
 */
export function sizeControllerSpec(options: SizeControllerOptions): ChildSpec {
  const { name, pool, crew, registry, telemetry } = options;
  const { size: bounds, spares, scaleDownAfterMs, ...limits } = crew.options;
  const limited = [limits.maxAgeMs, limits.maxCalls, limits.maxRssBytes, limits.maxLagMs];
  const changesByItself = bounds.min < bounds.max || Math.min(...limited) < Infinity;

  const perWorker = (): number => {
    const { serving } = crew.roster;
    let capacity = 0;
    for (const worker of serving) capacity += worker.capacity;
    return Math.max(1, serving.size === 0 ? limits.maxInFlight : capacity / serving.size);
  };
  const resize = (size: PoolSize, nowMs: number): PoolSize => {
    const calls = options.calls();
    const load = { calls, perWorker: perWorker() };
    const next = decidePoolSize(size, load, { ...bounds, scaleUpAfterMs, scaleDownAfterMs }, nowMs);
    if (next.wanted !== size.wanted)
      telemetry.emit("pool.scaled", { pool, from: size.wanted, to: next.wanted, calls });
    return next;
  };
  const retire = (member: Member, children: readonly ChildInfo[]): void => {
    const ref = children.find(({ id }) => id === member.id)?.ref;
    // It has ended since they were asked for: its end makes us look again.
    if (ref?.getSnapshot().status !== "active") return;
    const reason = member.session === undefined ? undefined : crew.dueFor(member);
    crew.retire(member);
    ref.send({ type: "retire" });
    if (reason !== undefined)
      telemetry.emit("pool.worker.recycled", { pool, worker: `${pool}.${member.id}`, reason });
  };
  /** One look: carries out what brings the crew to the wanted size. */
  const staff = (children: readonly ChildInfo[], wanted: number): void => {
    const supervisor = registry.whereis(options.workers);
    if (supervisor === undefined) return;
    const start = (spec: ChildSpec): void => {
      // It fails only with its supervisor, whose replacement makes us look again.
      startChild(supervisor, spec).catch(() => {});
    };
    const { rollOut } = crew;
    const trying = rollOut !== undefined && !rollOut.accepted;
    const all = crew.members(children);
    const views = all
      .filter(({ id }) => id !== rollOut?.candidate)
      .map((member) => ({
        member,
        ready: member.session !== undefined,
        due: crew.dueFor(member) !== undefined,
        retiring: member.retiring,
        place: member.session?.place ?? 0,
      }));
    const total = wanted + spares;
    crew.roster.resize(wanted);
    const plan = planCrew(views, total, trying ? total : total + 1);
    for (const { member } of plan.retire) retire(member, children);
    for (let hired = 0; hired < plan.hire; hired += 1) start(crew.hire(crew.options));
    if (rollOut === undefined) return;
    if (trying && rollOut.candidate === undefined && all.length + plan.hire <= total) {
      const spec = crew.hire(rollOut.options);
      rollOut.candidate = spec.id;
      start(spec);
    } else if (rollOut.accepted && all.every((member) => member.options === crew.options)) crew.endRollOut();
  };

  return {
    id: "size",
    name,
    start: ({ clock }) =>
      server<ControllerState, ControllerMessage>({
        init({ self }) {
          self.send({ type: "look" });
          if (changesByItself) clock.setTimeout(() => self.send({ type: "tick" }), lookEveryMs);
          return { size: undefined, asking: "no" };
        },
        receive(state, message, { self }) {
          if (message.type === "children") {
            const { children } = message;
            if (state.asking === "twice") self.send({ type: "look" });
            if (children === undefined) return { ...state, asking: "no" };
            const found = clamp(children.length - spares, bounds.min, bounds.max);
            const size = resize(state.size ?? { wanted: found }, clock.now());
            staff(children, size.wanted);
            return { size, asking: "no" };
          }
          if (message.type === "tick") clock.setTimeout(() => self.send({ type: "tick" }), lookEveryMs);
          if (state.asking !== "no") return { ...state, asking: "twice" };
          const supervisor = registry.whereis(options.workers);
          if (supervisor === undefined) return state;
          whichChildren(supervisor).then(
            (children) => self.send({ type: "children", children }),
            () => self.send({ type: "children" }),
          );
          return { ...state, asking: "once" };
        },
      }),
  };
}
