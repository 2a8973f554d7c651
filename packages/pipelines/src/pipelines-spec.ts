import { dynamicSupervisorSpec, type ChildSpec } from "@dspex/supervisors";

/** Under this name the runs find their supervisor. */
export const pipelinesName = "pipelines";

/**
 * The supervisor that runs live under, one child each, by the name `pipelines`. Runs know nothing of one another, so it takes
 * more of them to crash than in a group of parts before it gives up: 10 within 5 s. It has at most 10,000 runs at a time (G4);
 * one more is refused with `max_children`.
 */
export function pipelinesSpec(): ChildSpec {
  return dynamicSupervisorSpec(
    pipelinesName,
    { intensity: 10, periodMs: 5_000, max_children: 10_000 },
    { name: pipelinesName },
  );
}
