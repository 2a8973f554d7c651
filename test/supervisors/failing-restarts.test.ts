import {
  countChildren,
  deleteChild,
  dynamicSupervisorSpec,
  restartChild,
  startChild,
  terminateChild,
  whichChildren,
} from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { answer, living, Stage } from "./stage.ts";

/** A child whose restart just failed; the next attempt is due, and time stands still. */
async function restarting(stage: Stage, others: readonly string[] = []): Promise<Stage["app"]> {
  const app = await stage.start({ intensity: 10, children: ["a", ...others].map((id) => stage.worker(id)) });
  stage.take();
  stage.failing.add("a");
  stage.ref("a").send({ type: "end", reason: { error: new Error("crash") } });
  expect(stage.take()).toBe("-a error !a");
  return app;
}

describe("restarts that fail", () => {
  it("F6.40 the next attempt waits behind the messages that are there already", async () => {
    const stage = new Stage();
    const app = await restarting(stage);
    const listed = whichChildren(app.root);
    stage.failing.delete("a");
    expect(await stage.settle()).toBe("+a");
    expect((await listed)[0]).toMatchObject({ id: "a", state: "restarting", ref: undefined });
    expect(living(app)).toBe("a");
  });

  it("F6.41 meanwhile it is listed as restarting and is not active", async () => {
    const stage = new Stage();
    const app = await restarting(stage, ["b"]);
    const counts = countChildren(app.root);
    expect(await counts).toEqual({ specs: 2, active: 1, supervisors: 0, workers: 2 });
    expect(living(app)).toBe("(a) b");
  });

  it("F6.41 meanwhile it can be neither started, restarted nor deleted, but terminated, which ends the attempts", async () => {
    const stage = new Stage();
    const app = await restarting(stage);
    expect(await answer(startChild(app.root, stage.worker("a")))).toBe("already_present");
    expect(await answer(restartChild(app.root, "a"))).toBe("restarting");
    expect(await answer(deleteChild(app.root, "a"))).toBe("restarting");
    expect(await answer(terminateChild(app.root, "a"))).toBe("ok");
    stage.failing.delete("a");
    expect(await stage.pass(100)).toBe("");
    expect(await answer(restartChild(app.root, "a"))).toBe("ok");
    expect(living(app)).toBe("a");
  });

  it("F6.42 a shutdown in the middle of the attempts ends them", async () => {
    const stage = new Stage();
    const app = await restarting(stage, ["b"]);
    await app.stop();
    expect(await stage.pass(100)).toBe("-b");
    expect(stage.clock.pending).toBe(0);
  });

  it("F6.43 one_for_all: what came up before the one that failed is stopped again, and all are tried again", async () => {
    const stage = new Stage();
    await stage.start({
      strategy: "one_for_all",
      intensity: 5,
      children: ["a", "b", "c"].map((id) => stage.worker(id)),
    });
    stage.take();
    stage.failing.add("b");
    stage.ref("c").send({ type: "end", reason: { error: 1 } });
    expect(stage.take()).toBe("-c error -b -a +a !b");
    stage.failing.clear();
    expect(await stage.settle()).toBe("-a +a +b +c");
  });

  it("F6.44 rest_for_one: only the one that failed and those after it are tried again", async () => {
    const stage = new Stage();
    const app = await stage.start({
      strategy: "rest_for_one",
      intensity: 5,
      children: ["a", "b", "c"].map((id) => stage.worker(id)),
    });
    stage.take();
    stage.failing.add("b");
    stage.ref("a").send({ type: "end", reason: { error: 1 } });
    expect(stage.take()).toBe("-a error -c -b +a !b");
    // F6.45: those after it are not running.
    expect(living(app)).toBe("a (b) (c)");
    stage.failing.clear();
    expect(await stage.settle()).toBe("+b +c");
  });

  it("F6.46 simple_one_for_one: failing restarts of several instances are tried and counted separately", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [
        dynamicSupervisorSpec<[string]>("d", {
          intensity: 6,
          template: { id: "t", start: (_scope, id) => stage.logic(id) },
        }),
      ],
    });
    const [d] = await whichChildren(app.root);
    for (const id of ["x", "y", "z"]) await startChild(d!.ref!, [id]);
    stage.take();
    for (const id of ["x", "y", "z"]) {
      stage.failing.add(id);
      stage.ref(id).send({ type: "end", reason: { error: 1 } });
    }
    expect(await countChildren(d!.ref!)).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 3 });
    stage.failing.clear();
    expect(await stage.settle()).toBe("-x error !x -y error !y -z error !z +x +y +z");
    expect(await countChildren(d!.ref!)).toMatchObject({ active: 3 });
  });

  it("F6.47 simple_one_for_one: an instance whose restart says ignore is gone", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [dynamicSupervisorSpec("d", { template: { id: "t", start: () => stage.logic("x") } })],
    });
    const [d] = await whichChildren(app.root);
    await startChild(d!.ref!, []);
    stage.ignoring.add("x");
    await stage.end("x");
    expect(await countChildren(d!.ref!)).toEqual({ specs: 1, active: 0, supervisors: 0, workers: 0 });
  });
});
