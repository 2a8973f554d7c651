import { afterEach, describe, expect, it, jest } from "@jest/globals";
import type * as ChildRunners from "../../../supervisors/src/child-runner.ts";
import type * as ExitReasons from "../../../supervisors/src/exit-reason.ts";
import type * as RestartGroups from "../../../supervisors/src/restart-group.ts";
import type * as RestartWindows from "../../../supervisors/src/restart-window.ts";
import type { Action, ChildView } from "../../../supervisors/src/strategy.ts";
import type { Scenario } from "./scenario.ts";

/*
 * The comparison with the model has to notice when the package decides wrongly. So it is made to, in one way after the other, and
 * there must be a scenario that shows it.
 */

interface Bug {
  readonly name: string;
  readonly module: string;
  /** What the module exports, from what it should. */
  readonly wrong: (right: never) => object;
}

/** A bug in whom a group restart stops and starts, or in which order. */
function groupBug(name: string, wrong: <C extends ChildView>(actions: Action<C>[]) => Action<C>[]): Bug {
  return {
    name,
    module: "restart-group",
    wrong: ({ restartGroup }: typeof RestartGroups) => ({
      restartGroup: ((failed, group) => wrong(restartGroup(failed, group))) satisfies typeof restartGroup,
    }),
  };
}

const bugs: readonly Bug[] = [
  {
    name: "a restart that is exactly as old as the period is forgotten",
    module: "restart-window",
    wrong: ({ RestartWindow }: typeof RestartWindows) => ({
      RestartWindow: class extends RestartWindow {
        override count(nowMs: number): number {
          return super.count(nowMs + 0.5);
        }
      },
    }),
  },
  {
    name: "a restart is never forgotten",
    module: "restart-window",
    wrong: ({ RestartWindow }: typeof RestartWindows) => ({
      RestartWindow: class extends RestartWindow {
        override count(): number {
          return super.count(0);
        }
      },
    }),
  },
  groupBug("a group is started in reverse order", (actions) => [
    ...actions.filter((action) => action.do === "stop"),
    ...actions.filter((action) => action.do === "start").toReversed(),
  ]),
  groupBug("a group is stopped in the order of its start", (actions) => [
    ...actions.filter((action) => action.do === "stop").toReversed(),
    ...actions.filter((action) => action.do === "start"),
  ]),
  groupBug("a significant child that is stopped with its group ends the supervisor", (actions) =>
    actions.flatMap((action) =>
      action.do === "stop" && action.child.significant
        ? [action, { do: "exit", reason: "shutdown" } as const]
        : [action],
    ),
  ),
  {
    name: "{ shutdown: x } is an abnormal end",
    module: "exit-reason",
    wrong: (right: typeof ExitReasons) => ({
      ...right,
      isNormalExit: (reason: ExitReasons.ExitReason) => reason === "normal" || reason === "shutdown",
    }),
  },
  {
    name: "a supervisor that is killed leaves its children behind",
    module: "child-runner",
    wrong: ({ ChildRunner }: typeof ChildRunners) => ({
      ChildRunner: class extends ChildRunner {
        override killAll(): void {}
      },
    }),
  },
];

describe.each(bugs)("negative control: $name", ({ module, wrong }) => {
  const path = `../../../supervisors/src/${module}.ts`;

  afterEach(() => {
    jest.unstable_unmockModule(path);
  });

  it("is found within 100 seeds, and shown with a few operations", async () => {
    // A copy of the package of its own: what is wrong in it must not stay.
    jest.resetModules();
    const right = (await import(path)) as never;
    jest.unstable_mockModule(path, () => wrong(right));
    const { generate } = await import("./generate.ts");
    const { differenceOf } = await import("./difference-of.ts");
    const { shrink } = await import("./shrink.ts");
    const differs = async (scenario: Scenario): Promise<boolean> =>
      (await differenceOf(scenario)) !== undefined;

    let seed = 1;
    while (seed < 100 && !(await differs(generate(seed)))) seed += 1;
    const { ops } = await shrink(generate(seed), differs, 20_000);
    expect(seed).toBeLessThan(100);
    expect(ops.length).toBeLessThan(6);
  }, 30_000);
});
