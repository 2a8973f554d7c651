import { createRegistry, kill } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { createActor, fromCallback } from "xstate";
import { Stage } from "./stage.ts";

const actor = () => createActor(fromCallback(() => {})).start();

describe("registry", () => {
  it("gives a name to one live actor at a time", () => {
    const registry = createRegistry();
    const [a, b] = [actor(), actor()];
    registry.register("n", a);
    registry.register("n", a);
    expect(() => registry.register("n", b)).toThrow(expect.objectContaining({ code: "ERR_NAME_TAKEN" }));
    registry.unregister("n", b);
    expect(registry.whereis("n")).toBe(a);
    registry.unregister("n", a);
    expect(registry.whereis("n")).toBeUndefined();
    registry.register("n", b);
    expect(registry.whereis("n")).toBe(b);
  });

  it("a name of an actor that ended is free", () => {
    const registry = createRegistry();
    const [a, b] = [actor(), actor()];
    registry.register("n", a);
    a.stop();
    expect(registry.whereis("n")).toBeUndefined();
    registry.register("n", b);
    expect(registry.whereis("n")).toBe(b);
  });

  it("an actor that ended can neither be named nor join", () => {
    const registry = createRegistry();
    const a = actor();
    a.stop();
    for (const act of [() => registry.register("n", a), () => registry.join("g", a)])
      expect(act).toThrow(expect.objectContaining({ code: "ERR_NO_PROCESS" }));
  });

  it("groups list their live members, in the order in which they joined, each once", () => {
    const registry = createRegistry();
    const [a, b, c] = [actor(), actor(), actor()];
    for (const ref of [b, a, c, b]) registry.join("g", ref);
    expect(registry.members("g")).toEqual([b, a, c]);
    a.stop();
    registry.leave("g", b);
    registry.leave("g", b);
    expect(registry.members("g")).toEqual([c]);
    expect(registry.members("other")).toEqual([]);
  });

  it("forgets all names and groups of a supervised actor when it ends, also those that it was given later", async () => {
    const stage = new Stage();
    const { registry } = await stage.start({
      children: [stage.worker("a", { restart: "temporary" })],
    });
    const a = stage.ref("a");
    registry.register("x", a);
    registry.join("g", a);
    kill(a);
    expect(registry.whereis("x")).toBeUndefined();
    expect(registry.members("g")).toEqual([]);
  });

  it("F11.91 a replacement joins the groups of its specification", async () => {
    const stage = new Stage();
    const { registry } = await stage.start({
      intensity: 9,
      children: [stage.worker("a", { groups: ["g", "h"] }), stage.worker("b", { groups: ["g"] })],
    });
    const first = stage.ref("a");
    expect(registry.members("g")).toEqual([first, stage.ref("b")]);
    await stage.end("a");
    expect(registry.members("g")).toEqual([stage.ref("b"), stage.ref("a")]);
    expect(registry.members("h")).toEqual([stage.ref("a")]);
    expect(stage.ref("a")).not.toBe(first);
  });

  it("rejects groups of a wrong shape by name", async () => {
    const stage = new Stage();
    for (const [groups, option] of [
      ["g", "children[0].groups"],
      [["g", ""], "children[0].groups[1]"],
    ] as const)
      await expect(
        stage.start({ children: [stage.worker("a", { groups: groups as readonly string[] })] }),
      ).rejects.toMatchObject({ code: "ERR_INVALID_OPTION", details: { option } });
  });
});
