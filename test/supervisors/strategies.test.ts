import { startChild, terminateChild } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { living, Stage } from "./stage.ts";

const abcd = (stage: Stage) => ["a", "b", "c", "d"].map((id) => stage.worker(id));

describe("strategies", () => {
  it("F5.33 one_for_one: only the child that ended is another", async () => {
    const stage = new Stage();
    await stage.start({ children: abcd(stage) });
    const before = ["a", "c", "d"].map((id) => stage.ref(id));
    stage.take();
    expect(await stage.end("b")).toBe("-b error +b");
    expect(["a", "c", "d"].map((id) => stage.ref(id))).toEqual(before);
  });

  it("F5.34 one_for_all: the others are stopped in reverse, then all are started in order", async () => {
    const stage = new Stage();
    await stage.start({ strategy: "one_for_all", children: abcd(stage) });
    stage.take();
    expect(await stage.end("b")).toBe("-b error -d -c -a +a +b +c +d");
  });

  it("F5.35 rest_for_one: only those started after it, in reverse; the earlier ones are left alone", async () => {
    const stage = new Stage();
    await stage.start({ strategy: "rest_for_one", children: abcd(stage) });
    const before = stage.ref("a");
    stage.take();
    expect(await stage.end("b")).toBe("-b error -d -c +b +c +d");
    expect(stage.ref("a")).toBe(before);
  });

  it("F5.35 the last of them restarts alone", async () => {
    const stage = new Stage();
    await stage.start({ strategy: "rest_for_one", children: abcd(stage) });
    stage.take();
    expect(await stage.end("d")).toBe("-d error +d");
  });

  it("F5.36 a child that was added later is the last", async () => {
    const stage = new Stage();
    const app = await stage.start({
      strategy: "rest_for_one",
      intensity: 5,
      children: [stage.worker("z"), stage.worker("m")],
    });
    await startChild(app.root, stage.worker("a"));
    stage.take();
    expect(await stage.end("m")).toBe("-m error -a +m +a");
    expect(await stage.end("a")).toBe("-a error +a");
  });

  it("F5.37 a group restart starts also those that had no process", async () => {
    const stage = new Stage();
    const app = await stage.start({
      strategy: "one_for_all",
      children: [stage.worker("a"), stage.worker("t", { restart: "transient" }), stage.worker("b")],
    });
    await stage.end("t", "normal");
    await terminateChild(app.root, "b");
    expect(living(app)).toBe("a (t) (b)");
    stage.take();
    expect(await stage.end("a")).toBe("-a error +a +t +b");
  });

  it.each(["one_for_all", "rest_for_one"] as const)(
    "F5.38 %s: temporary bystanders are stopped and dropped",
    async (strategy) => {
      const stage = new Stage();
      const app = await stage.start({
        strategy,
        children: [stage.worker("a"), stage.worker("t", { restart: "temporary" }), stage.worker("b")],
      });
      stage.take();
      expect(await stage.end("a")).toBe("-a error -b -t +a +b");
      expect(living(app)).toBe("a b");
    },
  );

  it.each(["one_for_all", "rest_for_one"] as const)(
    "F5.39 %s: siblings are left alone by an end that is no reason to restart",
    async (strategy) => {
      const stage = new Stage();
      await stage.start({
        strategy,
        children: [
          stage.worker("t", { restart: "temporary" }),
          stage.worker("n", { restart: "transient" }),
          stage.worker("a"),
        ],
      });
      stage.take();
      expect(await stage.end("t")).toBe("-t error");
      expect(await stage.end("n", { shutdown: 1 })).toBe("-n shutdown_term");
    },
  );

  it("a sibling that crashes by itself while the group is being stopped is taken for stopped", async () => {
    const stage = new Stage();
    const app = await stage.start({
      strategy: "one_for_all",
      children: [stage.worker("a"), stage.worker("b"), stage.worker("slow", { stop: 50 })],
    });
    stage.take();
    expect(await stage.end("a")).toBe("-a error");
    expect(await stage.end("b")).toBe("-b error");
    expect(await stage.pass(50)).toBe("-slow +a +b +slow");
    expect(stage.reported("shutdown_error")).toEqual(["b error"]);
    expect(living(app)).toBe("a b slow");
  });

  it("a sibling outside the group that crashes meanwhile gets its turn afterwards", async () => {
    const stage = new Stage();
    await stage.start({
      strategy: "rest_for_one",
      intensity: 2,
      children: [stage.worker("a"), stage.worker("b"), stage.worker("slow", { stop: 50 })],
    });
    stage.take();
    await stage.end("b");
    await stage.end("a");
    expect(await stage.pass(50)).toBe("-slow +b +slow");
    expect(await stage.pass(50)).toBe("-slow -b +a +b +slow");
  });
});
