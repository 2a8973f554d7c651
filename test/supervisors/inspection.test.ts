import { server, startApplication, type ChildSpec } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import type { AnyActor, AnyActorRef, InspectionEvent } from "xstate";

/** A child that hands each message on to `to`, if that is given. */
const child = (id: string, whereis: () => AnyActorRef | undefined): ChildSpec => ({
  id,
  name: id,
  start: () =>
    server<number, { readonly type: "hop" }>({
      init: () => 0,
      receive(count) {
        whereis()?.send({ type: "hop" });
        return count + 1;
      },
    }),
});

async function pair() {
  const app = await startApplication({
    children: [child("a", () => app.registry.whereis("b")), child("b", () => undefined)],
  });
  const a = app.registry.whereis("a")!;
  return { app, a, b: app.registry.whereis("b")! };
}

describe("inspection", () => {
  it("knows the sender of a message that another actor's handler sent, and none for one from outside", async () => {
    const { app, a, b } = await pair();
    const hops: unknown[] = [];
    app.inspect((event) => {
      if (event.type === "@xstate.event" && event.event.type === "hop")
        hops.push([event.sourceRef, event.actorRef]);
    });
    a.send({ type: "hop" });
    expect(hops).toEqual([
      [undefined, a],
      [a, b],
    ]);
    await app.stop();
  });

  it("is complete: each message of a supervised actor, and each snapshot that follows", async () => {
    const { app, a } = await pair();
    const events: string[] = [];
    const detach = app.inspect(({ type, actorRef }) => events.push(`${type} ${(actorRef as AnyActor).id}`));
    expect(events.splice(0)).toEqual(["@xstate.actor application", "@xstate.actor a#1", "@xstate.actor b#2"]);
    a.send({ type: "hop" });
    expect(events).toEqual([
      "@xstate.event a#1",
      "@xstate.snapshot a#1",
      "@xstate.event b#2",
      "@xstate.snapshot b#2",
    ]);
    detach();
    await app.stop();
  });

  it("detached, makes no event and calls no observer", async () => {
    const { app, a } = await pair();
    let calls = 0;
    const detach = app.inspect(() => void (calls += 1));
    detach();
    calls = 0;
    // XState completes an event, with the root's id, only for an observer: the id is asked for once per event that is made.
    let made = 0;
    const { sessionId } = app.root;
    Object.defineProperty(app.root, "sessionId", { configurable: true, get: () => ((made += 1), sessionId) });
    for (let n = 0; n < 1_000; n += 1) a.send({ type: "hop" });
    expect({ calls, made }).toEqual({ calls: 0, made: 0 });

    const again = app.inspect((_event: InspectionEvent) => void (calls += 1));
    calls = made = 0;
    a.send({ type: "hop" });
    expect(calls).toBe(4);
    expect(made).toBeGreaterThanOrEqual(4);
    again();
    await app.stop();
  });
});
