import {
  kill,
  supervisorSpec,
  terminateChild,
  whichChildren,
  type AutoShutdown,
  type ExitReason,
  type Restart,
  type SupervisorOptions,
} from "@dspex/supervisors";
import { wordOf } from "@dspex/supervisors/testing";
import { describe, expect, it } from "@jest/globals";

import { Stage } from "./stage.ts";

const modes: AutoShutdown[] = ["any_significant", "all_significant"];
const strategies: NonNullable<SupervisorOptions["strategy"]>[] = [
  "one_for_one",
  "one_for_all",
  "rest_for_one",
];
const reasons: ExitReason[] = [
  "normal",
  "shutdown",
  { shutdown: "x" },
  { error: new Error("crash") },
  "killed",
];
const restarts: Restart[] = ["transient", "temporary"];

const product = modes.flatMap((auto_shutdown) =>
  strategies.flatMap((strategy) =>
    restarts.flatMap((restart) =>
      reasons.map((reason) => ({ auto_shutdown, strategy, restart, reason, word: wordOf(reason) })),
    ),
  ),
);

describe("significant children", () => {
  it.each(product)(
    "F8.61 F8.62 F8.63 $auto_shutdown, $strategy: one of two significant $restart children ends with $word",
    async ({ auto_shutdown, strategy, restart, reason, word }) => {
      const stage = new Stage();
      const app = await stage.start({
        auto_shutdown,
        strategy,
        children: [
          stage.worker("a"),
          stage.worker("x", { restart, significant: true }),
          stage.worker("y", { restart, significant: true }),
        ],
      });
      stage.take();
      const forGood = restart === "temporary" || !["error", "killed"].includes(word);
      const events = await stage.end("x", reason);
      const ended = app.tree().state === "stopped";
      expect(ended).toBe(forGood && auto_shutdown === "any_significant");
      if (ended) {
        expect(events).toBe(`-x${word === "shutdown" ? "" : ` ${word}`} -y -a`);
        expect(await app.finished).toBe("shutdown");
      } else if (forGood) {
        // The last active significant child takes the supervisor with it.
        await stage.end("y", reason);
        expect(app.tree().state).toBe("stopped");
      }
    },
  );

  it("F8.60 never: nothing ends the supervisor", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [stage.worker("t", { restart: "temporary" })] });
    await stage.end("t", "normal");
    expect(app.tree().state).toBe("running");
  });

  it.each(modes)("F8.64 %s: children that are not significant do not count", async (auto_shutdown) => {
    const stage = new Stage();
    const app = await stage.start({
      auto_shutdown,
      children: [
        stage.worker("x", { restart: "transient", significant: true }),
        stage.worker("t", { restart: "transient" }),
      ],
    });
    await stage.end("t", "normal");
    expect(app.tree().state).toBe("running");
  });

  it.each(modes)("F8.65 %s: a child that is terminated by a call does not count", async (auto_shutdown) => {
    const stage = new Stage();
    const app = await stage.start({
      auto_shutdown,
      children: [stage.worker("x", { restart: "transient", significant: true }), stage.worker("a")],
    });
    await terminateChild(app.root, "x");
    await stage.settle();
    expect(app.tree().state).toBe("running");
  });

  it.each(modes.flatMap((auto_shutdown) => strategies.map((strategy) => ({ auto_shutdown, strategy }))))(
    "F8.66 $auto_shutdown, $strategy: significant children that are stopped for a sibling's restart do not count",
    async ({ auto_shutdown, strategy }) => {
      const stage = new Stage();
      const app = await stage.start({
        auto_shutdown,
        strategy,
        children: [
          stage.worker("a"),
          stage.worker("x", { restart: "transient", significant: true }),
          stage.worker("y", { restart: "temporary", significant: true }),
        ],
      });
      await stage.end("a");
      expect(app.tree().state).toBe("running");
    },
  );

  it.each([true, false])(
    "F8.67 a child supervisor that ends so ends its parent if it is significant: %p",
    async (significant) => {
      const stage = new Stage();
      const inner = {
        auto_shutdown: "any_significant",
        children: [stage.worker("x", { restart: "transient", significant: true })],
      } as const;
      const app = await stage.start({
        auto_shutdown: "any_significant",
        children: [supervisorSpec("s", inner, { restart: "transient", significant }), stage.worker("a")],
      });
      stage.take();
      expect(await stage.end("x", "normal")).toBe(significant ? "-x normal -a" : "-x normal");
      expect(app.tree().state).toBe(significant ? "stopped" : "running");
    },
  );

  it("F8.62 a significant child supervisor that is killed is restarted", async () => {
    const stage = new Stage();
    const app = await stage.start({
      auto_shutdown: "any_significant",
      children: [
        supervisorSpec("s", { children: [stage.worker("a")] }, { restart: "transient", significant: true }),
      ],
    });
    stage.take();
    const [s] = await whichChildren(app.root);
    kill(s!.ref!);
    expect(await stage.settle()).toBe("-a killed +a");
  });
});
