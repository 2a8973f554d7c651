import {
  dynamicSupervisorSpec,
  kill,
  startApplication,
  startChild,
  supervisorSpec,
  whichChildren,
  type SupervisorReport,
} from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import type { AnyActor, AnyActorRef } from "xstate";
import { Stage } from "./stage.ts";

describe("trees and escalation", () => {
  it.each([
    ["permanent", "-x error -y +x +y"],
    ["transient", "-x error -y"],
    ["temporary", "-x error -y"],
  ] as const)("F11.85 a %s child supervisor that gives up", async (restart, events) => {
    const stage = new Stage();
    await stage.start({
      children: [
        stage.worker("a"),
        supervisorSpec("s", { intensity: 0, children: [stage.worker("y"), stage.worker("x")] }, { restart }),
      ],
    });
    stage.take();
    // Its own children stop in reverse; then it ends with shutdown, which is a normal reason.
    expect(await stage.end("x")).toBe(events.replace("+x +y", "+y +x"));
  });

  it("F11.85 the restart of a child supervisor counts once at its parent", async () => {
    const stage = new Stage();
    const app = await stage.start({
      intensity: 1,
      children: [supervisorSpec("s", { intensity: 0, children: [stage.worker("x")] })],
    });
    await stage.end("x");
    expect(app.tree().state).toBe("running");
    await stage.end("x");
    expect(app.tree().state).toBe("stopped");
  });

  it("F11.86 a restarted supervisor comes back with its static children only", async () => {
    const stage = new Stage();
    const app = await stage.start({
      intensity: 5,
      children: [
        supervisorSpec("s", { children: [stage.worker("a")] }),
        dynamicSupervisorSpec("d", { template: stage.worker("t") }),
      ],
    });
    const [d, s] = await whichChildren(app.root);
    await startChild(s!.ref!, stage.worker("later"));
    await startChild(d!.ref!, []);
    kill(s!.ref!);
    kill(d!.ref!);
    await stage.settle();
    expect(
      app.tree().children.map(({ id, children }) => `${id}: ${children.map((child) => child.id).join(" ")}`),
    ).toEqual(["s: a", "d: "]);
  });

  it("F11.87 a failure that nobody can mend ends the application, which is told with its cause", async () => {
    const stage = new Stage();
    const cause = new Error("the disk is gone");
    const app = await stage.start({
      intensity: 0,
      children: [supervisorSpec("s", { intensity: 0, children: [stage.worker("x")] })],
    });
    await stage.end("x", { error: cause });
    expect(await app.finished).toBe("shutdown");
    expect(stage.reports.at(-1)).toEqual({
      report: "application_exited",
      path: ["application"],
      reason: "shutdown",
      cause: {
        report: "child_terminated",
        path: ["application", "s"],
        child: "x",
        generation: 1,
        reason: { error: cause },
      },
    });
  });

  it("F11.90 a message that a supervisor does not know is reported, and ignored", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [stage.worker("a")] });
    for (const type of [
      "hello",
      "xstate.done.actor.nobody",
      "xstate.error.actor.a#99",
      "otp.phase",
      "otp.unknown",
      "otp.call",
    ])
      app.root.send({ type, actorId: "a#99", error: new Error("stale") });
    expect(await stage.settle()).toBe("+a");
    expect(app.tree().state).toBe("running");
    const unexpected = stage.reports.filter(({ report }) => report === "unexpected_message");
    expect(unexpected.map((report) => "event" in report && report.event)).toEqual([
      "hello",
      "otp.unknown",
      "otp.call",
    ]);
  });

  it("F11.91 the replacement of a named child takes its name over, and nobody has it meanwhile", async () => {
    const stage = new Stage();
    const app = await stage.start({ intensity: 9, children: [stage.worker("a", { name: "front" })] });
    expect(app.registry.whereis("front")).toBe(stage.ref("a"));
    const first = stage.ref("a");
    await stage.end("a", "killed");
    expect(app.registry.whereis("front")).toBe(stage.ref("a"));
    expect(stage.ref("a")).not.toBe(first);
    stage.failing.add("a");
    stage.ref("a").send({ type: "end", reason: { error: 1 } });
    expect(app.registry.whereis("front")).toBeUndefined();
    stage.failing.clear();
    await stage.settle();
    expect(app.registry.whereis("front")).toBe(stage.ref("a"));
    await app.stop();
    expect(app.registry.whereis("front")).toBeUndefined();
  });

  it("F11.92 starts, ends, failed starts and giving up are reported, in order", async () => {
    const stage = new Stage();
    await stage.start({ intensity: 1, children: [stage.worker("a"), stage.worker("b", { stop: "throws" })] });
    stage.failing.add("a");
    await stage.end("a");
    expect(
      stage.reports.map(({ report, ...rest }) => `${report} ${"child" in rest ? rest.child : ""}`),
    ).toEqual([
      "started a",
      "started b",
      "child_terminated a",
      "start_error a",
      "shutdown a",
      "shutdown_error b",
      "application_exited ",
    ]);
  });
});

describe("the application", () => {
  it("tree() is plain JSON with ids, paths, states, incarnations, restarts that count, messages that wait and uptimes", async () => {
    const stage = new Stage();
    const app = await stage.start({
      id: "shop",
      children: [stage.worker("a"), supervisorSpec("s", { children: [stage.worker("b")] })],
    });
    await stage.pass(300);
    await stage.end("b");
    await stage.pass(40);
    const busy = { restartsInWindow: 0, mailboxDepth: 0, uptimeMs: 340 };
    const leaf = { ...busy, type: "worker", state: "running", children: [] };
    const supervisor = { ...busy, type: "supervisor", state: "running", incarnation: 1, restarts: 0 };
    const b = { ...leaf, id: "b", path: "shop/s/b", incarnation: 2, restarts: 1, uptimeMs: 40 };
    expect(JSON.parse(JSON.stringify(app.tree()))).toEqual({
      ...supervisor,
      id: "shop",
      path: "shop",
      children: [
        { ...leaf, id: "a", path: "shop/a", incarnation: 1, restarts: 0 },
        { ...supervisor, id: "s", path: "shop/s", restartsInWindow: 1, children: [b] },
      ],
    });
    await stage.pass(5_000);
    expect(app.tree().children[1]).toMatchObject({ id: "s", restartsInWindow: 0 });
  });

  it("an inspector is attached and detached while it runs, and what it throws disturbs nobody", async () => {
    const stage = new Stage();
    const app = await stage.start({ children: [stage.worker("a")] });
    const seen: string[] = [];
    const detach = app.inspect(({ type }) => {
      seen.push(type);
      throw new Error("a broken inspector");
    });
    await stage.end("a");
    expect(seen).toContain("@xstate.actor");
    detach();
    const { length } = seen;
    await stage.end("a");
    expect(seen).toHaveLength(length);
  });

  it("an inspector that is there from the start sees every supervisor as a chart with its states", async () => {
    const charts = new Set<unknown>();
    const app = await startApplication({
      children: [supervisorSpec("s", { children: [] }), dynamicSupervisorSpec("d")],
      inspect(event) {
        const logic = (event.actorRef as { logic?: { config?: { states?: object } } }).logic;
        if (event.type === "@xstate.actor") charts.add(Object.keys(logic?.config?.states ?? {}).join(" "));
      },
    });
    expect([...charts]).toEqual(["starting running restarting stopping stopped"]);
    expect(app.root.getSnapshot()).toMatchObject({ value: "running" });
    await app.stop();
    expect(app.root.getSnapshot()).toMatchObject({ value: "stopped", status: "done" });
  });

  it.each([
    ["stop", (root: AnyActorRef) => (root as AnyActor).stop()],
    ["the event xstate.stop", (root: AnyActorRef) => root.send({ type: "xstate.stop" })],
  ])("a root that is ended by %s takes the tree with it and is reported as killed", async (_how, end) => {
    const stage = new Stage();
    const app = await stage.start({
      children: [stage.worker("a"), supervisorSpec("s", { children: [stage.worker("b")] })],
    });
    stage.take();
    end(app.root);
    expect(await app.finished).toBe("killed");
    expect(stage.take()).toBe("-b killed -a killed");
    expect(stage.reports.at(-1)).toMatchObject({ report: "application_exited", reason: "killed" });
    await app.stop();
    expect(await stage.settle()).toBe("");
  });

  it("a report sink that throws disturbs nobody", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [stage.worker("a")],
      onReport: (_report: SupervisorReport) => {
        throw new Error("a broken log");
      },
    });
    await stage.end("a");
    await app.stop();
    expect(await app.finished).toBe("shutdown");
  });

  it("a failed child does not reach the process, with nobody watching", async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("uncaughtException", note);
    const stage = new Stage();
    const app = await stage.start({ intensity: 0, children: [stage.worker("a")] });
    await stage.end("a");
    await app.finished;
    await new Promise((resolve) => setTimeout(resolve, 0));
    process.off("uncaughtException", note);
    expect(unhandled).toEqual([]);
  });
});
