import {
  supervisorSpec,
  type ChildSpec,
  type SupervisorOptions,
  type SupervisorPlace,
} from "@dspex/supervisors";

/** The nodes that the application is made of. */
export interface TreeNodes {
  /** Telemetry subscribers. */
  readonly observers: readonly ChildSpec[];
  readonly guardian: ChildSpec;
  /** One actor per LM endpoint. */
  readonly endpoints: readonly ChildSpec[];
  /** One supervisor per pool. */
  readonly pools: readonly ChildSpec[];
  /** Dynamic supervisors of what users start: sessions and pipelines. */
  readonly work: readonly ChildSpec[];
  /** Without it calls follow the static default, visibly. */
  readonly learner: ChildSpec;
  /** What the user runs beside it. */
  readonly user: readonly ChildSpec[];
}

/** Elixir's default. More than that is not an accident any more, and a supervisor further up should know. */
const tolerance = { intensity: 3, periodMs: 5_000 } as const;

/**
 * For what the rest can do without. A supervisor that gives up ends with `shutdown`, a normal reason, after which OTP does not restart a
 * transient child: what keeps failing here is gone for good, and takes nothing with it.
 */
const dispensable: SupervisorPlace = { restart: "transient" };

/**
 * The whole application, in one place; reading it is reading the architecture.
 *
 * A crash restarts only what depends on the crashed part, which here is nothing else: endpoints, pools and the guardian
 * find each other by name or through handles that survive restarts. `docs/architecture.md` draws it, and
 * `test/integration/tree.test.ts` kills each node in turn.
 */
export function applicationTree(nodes: TreeNodes): SupervisorOptions {
  const group = (id: string, children: readonly ChildSpec[], place?: SupervisorPlace): ChildSpec =>
    supervisorSpec(id, { strategy: "one_for_one", ...tolerance, children }, place);
  return {
    strategy: "one_for_one",
    ...tolerance,
    children: [
      group("observation", nodes.observers, dispensable),
      group("user", nodes.user),
      group("resources", [nodes.guardian, group("lm", nodes.endpoints), group("pools", nodes.pools)]),
      group("work", nodes.work),
      group("intelligence", [nodes.learner], dispensable),
    ],
  };
}
