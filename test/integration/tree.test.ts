import { describe, expect, it } from "@jest/globals";
import { kill, whichChildren, type TreeNode } from "@dspex/supervisors";
import { scripted, signature, type Runtime } from "dspex";
import type { AnyActorRef } from "xstate";
import { eventually } from "../support/eventually.ts";
import { startTestRuntime } from "../support/runtime.ts";

const start = (): Promise<Runtime> =>
  startTestRuntime(
    { size: 2, maxInFlight: 5 },
    { lm: { default: scripted(() => "[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]") }, log: "error" },
  );

const pathsOf = (node: TreeNode): string[] => [node.path, ...node.children.flatMap(pathsOf)];

/** Every actor of the tree that is alive, by its path. */
async function actorsOf(runtime: Runtime): Promise<Map<string, AnyActorRef>> {
  const actors = new Map<string, AnyActorRef>();
  const visit = async (path: string, supervisor: AnyActorRef): Promise<void> => {
    for (const { id, ref, type } of await whichChildren(supervisor)) {
      if (typeof ref !== "object") continue;
      actors.set(`${path}/${id}`, ref);
      if (type === "supervisor") await visit(`${path}/${id}`, ref);
    }
  };
  await visit(runtime.tree().id, runtime.application.root);
  return actors;
}

/** The nodes that exist, so that a new one fails here before it is anything else. */
const nodes = [
  "observation",
  "observation/log",
  "user",
  "resources",
  "resources/guardian",
  "resources/lm",
  "resources/lm/default",
  "resources/pools",
  "resources/pools/dspy",
  "resources/pools/dspy/dispatcher",
  "resources/pools/dspy/jobs",
  "resources/pools/dspy/size",
  "resources/pools/dspy/zygote",
  "resources/pools/dspy/workers",
  "resources/pools/dspy/workers/worker-1",
  "resources/pools/dspy/workers/worker-2",
  "work",
  "work/sessions",
  "work/pipelines",
  "intelligence",
  "intelligence/learner",
];

describe("a running tree", () => {
  it.each(nodes)(
    "G1: restarts %s and what is under it, nothing else, and every call has one outcome",
    async (node) => {
      await using runtime = await start();
      const victim = `application/${node}`;
      const before = await actorsOf(runtime);
      let settled = 0;
      runtime.telemetry.on("call.settled", () => (settled += 1));
      const wait = runtime.pythonFunction<[number], number>("functions:wait");
      const calls = Array.from({ length: 20 }, () => wait.tryCall([100], { idempotent: true }));

      kill(before.get(victim)!);

      const outcomes = await Promise.all(calls);
      const codes = outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code));
      expect(settled).toBe(20);
      // Ten calls were waiting in the dispatcher: with it they end. Those of a worker run again on the next.
      if ("application/resources/pools/dspy/dispatcher".startsWith(victim)) {
        expect(codes).toContain("ERR_POOL_RESTARTED");
        expect(codes.filter((code) => code !== "ok" && code !== "ERR_POOL_RESTARTED")).toEqual([]);
      } else expect(codes).toEqual(codes.map(() => "ok"));
      const after = await eventually(async () => {
        const actors = await actorsOf(runtime);
        return runtime.workers().length === 2 && actors.size === before.size && actors;
      });
      const replaced = [...before.keys()].filter((path) => after.get(path) !== before.get(path));
      expect(replaced.sort()).toEqual(
        [...before.keys()].filter((path) => path === victim || path.startsWith(`${victim}/`)).sort(),
      );
      // And it works.
      expect(typeof (await wait.call([1]))).toBe("number");
    },
    30_000,
  );

  it("goes on without a learner that keeps failing", async () => {
    await using runtime = await start();
    const ask = runtime.program(signature("question -> answer"), { lm: { endpoint: ["default"] } });
    const learner = () => runtime.application.registry.whereis("learner");
    for (let kills = 0; kills < 4; kills += 1) kill(await eventually(learner));
    await eventually(
      () => runtime.tree().children.find(({ id }) => id === "intelligence")?.state === "stopped",
    );
    const outcome = await ask.tryCall({ question: "Are you there?" });
    expect(outcome).toMatchObject({ ok: true, meta: { endpoint: "default" } });
    expect(runtime.explain(outcome.meta.callId)).toMatchObject({
      because: expect.stringContaining("no learner"),
    });
  }, 30_000);

  it("has these nodes and no other", async () => {
    await using runtime = await start();
    expect(pathsOf(runtime.tree()).slice(1).sort()).toEqual(
      nodes.map((node) => `application/${node}`).sort(),
    );
  }, 30_000);
});
