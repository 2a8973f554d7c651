import {
  countChildren,
  isNormalExit,
  restartChild,
  startChild,
  type ExitReason,
  type Restart,
} from "@dspex/supervisors";
import { wordOf } from "@dspex/supervisors/testing";
import { describe, expect, it } from "@jest/globals";

import { answer, living, Stage } from "./stage.ts";

const reasons: ExitReason[] = [
  "normal",
  "shutdown",
  { shutdown: "x" },
  { error: new Error("crash") },
  "killed",
];
const restarts: Restart[] = ["permanent", "transient", "temporary"];
const table = restarts.flatMap((restart) =>
  reasons.map((reason) => ({ item: itemOf(restart, reason), restart, reason, word: wordOf(reason) })),
);

function itemOf(restart: Restart, reason: ExitReason): string {
  if (restart === "permanent") return "F3.19 F3.23";
  if (restart === "temporary") return "F3.22";
  return isNormalExit(reason) ? "F3.20 F3.23" : "F3.21";
}

describe("restart types", () => {
  it.each(table)("$item a $restart child that ends with $word", async ({ restart, reason, word }) => {
    const stage = new Stage();
    const app = await stage.start({
      children: [stage.worker("a"), stage.worker("x", { restart }), stage.worker("b")],
    });
    stage.take();
    const again = restart === "permanent" || (restart === "transient" && !isNormalExit(reason));

    expect(await stage.end("x", reason)).toBe(
      `-x${word === "shutdown" ? "" : ` ${word}`}${again ? " +x" : ""}`,
    );
    // F3.24: it keeps its place.
    expect(living(app)).toBe(again ? "a x b" : restart === "temporary" ? "a b" : "a (x) b");
    expect(stage.reported("child_terminated")).toEqual(
      restart === "permanent" || !isNormalExit(reason) ? [`x ${word}`] : [],
    );
    expect(await stage.settle()).toBe("");
  });

  it("F3.20 a transient child that ended keeps its specification and can be started again", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [stage.worker("x", { restart: "transient" })] });
    await stage.end("x", "normal");
    expect(await countChildren(app.root)).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 1 });
    expect(await answer(restartChild(app.root, "x"))).toBe("ok");
    expect(living(app)).toBe("x");
  });

  it("F3.22 the id of a temporary child that ended is free again", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [stage.worker("x", { restart: "temporary" })] });
    await stage.end("x", "normal");
    expect(await answer(restartChild(app.root, "x"))).toBe("not_found");
    expect(await answer(startChild(app.root, stage.worker("x")))).toBe("ok");
  });
});
