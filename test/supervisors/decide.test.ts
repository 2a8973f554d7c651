import { describe, expect, it } from "@jest/globals";
import { decideExit, decideRestart } from "../../supervisors/src/decide.ts";
import { oneForAll } from "../../supervisors/src/one-for-all.ts";
import { oneForOne } from "../../supervisors/src/one-for-one.ts";
import { restForOne } from "../../supervisors/src/rest-for-one.ts";
import { RestartWindow } from "../../supervisors/src/restart-window.ts";
import type { Action, ChildView, Strategy, SupervisorView } from "../../supervisors/src/strategy.ts";

const child = (id: string, fields: Partial<ChildView> = {}): ChildView => ({
  id,
  restart: "permanent",
  significant: false,
  state: "running",
  ...fields,
});

function view(
  strategy: Strategy,
  children: readonly ChildView[],
  fields: Partial<SupervisorView<ChildView>> = {},
): SupervisorView<ChildView> {
  return {
    strategy,
    auto_shutdown: "never",
    table: { all: () => children, from: (first) => children.slice(children.indexOf(first)) },
    ...fields,
  };
}

const words = (actions: readonly Action<ChildView>[]): string =>
  actions.map((action) => ("child" in action ? `${action.do} ${action.child.id}` : action.do)).join(", ");

describe("decisions, without any actor", () => {
  const [a, b, c] = [child("a"), child("b"), child("c", { restart: "temporary" })];
  const all = [a, b, c];

  it.each([
    [oneForOne, "start b"],
    [oneForAll, "stop c, stop a, start a, start b"],
    [restForOne, "stop c, start b"],
  ])("F5 a strategy is a list of actions", (strategy, expected) => {
    const supervisor = view(strategy, all);
    expect(words(decideExit(b, "killed", supervisor))).toBe("report_terminated b, restart b");
    expect(words(decideRestart(b, false, supervisor))).toBe(expected);
  });

  it("F4.25 too many restarts become an exit", () => {
    const decision = decideRestart(a, true, view(oneForOne, all));
    expect(words(decision)).toBe("report_shutdown a, lay_down a, exit");
  });

  it("F8.63 the last active significant child is found in the table", () => {
    const x = child("x", { restart: "transient", significant: true });
    for (const [state, expected] of [
      ["running", "lay_down x"],
      ["restarting", "lay_down x"],
      ["stopped", "lay_down x, exit"],
    ] as const) {
      const other = child("y", { restart: "transient", significant: true, state });
      const supervisor = view(oneForOne, [x, other], { auto_shutdown: "all_significant" });
      expect(words(decideExit(x, "normal", supervisor))).toBe(expected);
    }
  });

  it("F4.28 the window keeps what is not older than the period", () => {
    const window = (): RestartWindow => {
      const restarts = new RestartWindow({ intensity: 2, periodMs: 1_000 });
      expect([restarts.add(0), restarts.add(500)]).toEqual([false, false]);
      return restarts;
    };
    expect(window().add(1_000)).toBe(true);
    expect(window().add(1_001)).toBe(false);
    expect(window().count(1_501)).toBe(0);
  });
});
