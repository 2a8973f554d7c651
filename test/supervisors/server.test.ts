import { exit, noreply, server, type ExitReason, type NoReply } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { createActor } from "xstate";
import { Stage } from "./stage.ts";

type Message =
  | { readonly type: "add"; readonly n: number }
  | { readonly type: "end"; readonly reason: ExitReason }
  | { readonly type: "throw" };

function counter(terminate?: (count: number, reason: ExitReason) => void | Promise<void>) {
  const actor = createActor(
    server<number, Message, number>({
      init: ({ input }) => input,
      receive(count, message) {
        if (message.type === "throw") throw new Error("thrown");
        return message.type === "add" ? count + message.n : exit(message.reason);
      },
      ...(terminate === undefined ? {} : { terminate }),
    }),
    { input: 1 },
  );
  actor.subscribe({ error: () => {} });
  return actor.start();
}

describe("server", () => {
  it("goes from state to state by its messages, in order", () => {
    const actor = counter();
    actor.send({ type: "add", n: 2 });
    actor.send({ type: "add", n: 3 });
    expect(actor.getSnapshot()).toMatchObject({ status: "active", state: 6 });
  });

  it("keeps its snapshot when the state is the same", () => {
    const actor = counter();
    const before = actor.getSnapshot();
    actor.send({ type: "add", n: 0 });
    expect(actor.getSnapshot()).toBe(before);
  });

  it("an init that throws is a failed start", () => {
    const actor = createActor(
      server<number, Message>({
        init: () => {
          throw new Error("no");
        },
        receive: (state) => state,
      }),
    );
    expect(actor.getSnapshot()).toMatchObject({ status: "error", error: { message: "no" } });
  });

  it.each<[string, ExitReason]>([
    ["normal", "normal"],
    ["shutdown", "shutdown"],
    ["{ shutdown }", { shutdown: "done" }],
  ])("exit(%s) ends it with that reason, after its clean-up", (_name, reason) => {
    const cleaned: unknown[] = [];
    const actor = counter((count, why) => void cleaned.push([count, why]));
    actor.send({ type: "end", reason });
    expect(actor.getSnapshot()).toMatchObject({ status: "done", output: { reason } });
    expect(cleaned).toEqual([[1, reason]]);
  });

  it("exit({ error }) and a throw end it in error, after its clean-up", () => {
    const cause = new Error("cause");
    const cleaned: ExitReason[] = [];
    const first = counter((_count, why) => void cleaned.push(why));
    first.send({ type: "end", reason: { error: cause } });
    expect(first.getSnapshot()).toMatchObject({ status: "error", error: cause });
    const second = counter((_count, why) => void cleaned.push(why));
    second.send({ type: "throw" });
    expect(second.getSnapshot()).toMatchObject({ status: "error", error: { message: "thrown" } });
    expect(cleaned).toEqual([{ error: cause }, { error: new Error("thrown") }]);
  });

  it("otp.shutdown ends it once its clean-up has settled; what arrives meanwhile is dropped", async () => {
    let cleaned!: () => void;
    const actor = counter(() => new Promise((resolve) => (cleaned = resolve)));
    actor.send({ type: "otp.shutdown" });
    actor.send({ type: "add", n: 5 });
    actor.send({ type: "otp.shutdown" });
    expect(actor.getSnapshot()).toMatchObject({ status: "active", state: 1, leaving: true });
    cleaned();
    await Promise.resolve();
    expect(actor.getSnapshot()).toMatchObject({ status: "done", output: { reason: "shutdown" }, state: 1 });
  });

  it("a clean-up that throws or rejects becomes the reason", async () => {
    const throwing = counter(() => {
      throw new Error("unclean");
    });
    throwing.send({ type: "otp.shutdown" });
    expect(throwing.getSnapshot()).toMatchObject({ status: "error", error: { message: "unclean" } });
    const rejecting = counter(() => Promise.reject(new Error("unclean")));
    rejecting.send({ type: "end", reason: "normal" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(rejecting.getSnapshot()).toMatchObject({ status: "error", error: { message: "unclean" } });
  });

  it("a kill leaves no time for a clean-up, and shows", () => {
    let cleaned = 0;
    const actor = counter(() => void (cleaned += 1));
    actor.stop();
    expect(cleaned).toBe(0);
    expect(actor.getSnapshot()).toMatchObject({ status: "stopped" });
  });

  describe("noreply", () => {
    type Step = { readonly type: string };

    /** A server that writes down what it receives, and goes on as `then` says. */
    async function stepping(
      then: Record<string, (steps: string[]) => NoReply<string[], Step>>,
      init: string[] | NoReply<string[], Step> = [],
    ) {
      const stage = new Stage();
      const app = await stage.start({
        children: [
          {
            id: "s",
            name: "s",
            start: () =>
              server<string[], Step>({
                init: () => init,
                receive(steps, { type }) {
                  const next = [...steps, `${type}@${stage.clock.now()}`];
                  return then[type]?.(next) ?? next;
                },
              }),
          },
        ],
      });
      const ref = app.registry.whereis("s")!;
      const steps = (): string => (ref.getSnapshot() as { state: string[] }).state.join(" ");
      return { stage, app, send: (type: string) => ref.send({ type }), steps };
    }

    it("continue is received at once, before any message that waits", async () => {
      const { app, steps } = await stepping({
        go: (state) => {
          app.registry.whereis("s")!.send({ type: "waiting" });
          return noreply(state, { continue: { type: "more" } });
        },
        more: (state) => noreply(state, { continue: { type: "last" } }),
      });
      app.registry.whereis("s")!.send({ type: "go" });
      expect(steps()).toBe("go@0 more@0 last@0 waiting@0");
    });

    it("continue from init is received once it is up, before any message", async () => {
      const { send, steps } = await stepping({}, noreply(["init"], { continue: { type: "more" } }));
      expect(steps()).toBe("init more@0");
      send("message");
      expect(steps()).toBe("init more@0 message@0");
    });

    it("a message that init has sent to itself comes after its continue", () => {
      const steps: string[] = [];
      const actor = createActor(
        server<null, Step>({
          init({ self }) {
            self.send({ type: "message" });
            return noreply(null, { continue: { type: "more" } });
          },
          receive(state, { type }) {
            steps.push(type);
            return state;
          },
        }),
      );
      actor.start();
      expect(steps).toEqual(["more", "message"]);
    });

    it("a timeout is received when no message came in time; any message calls it off", async () => {
      const wait = (state: string[]): NoReply<string[], Step> =>
        noreply(state, { timeoutMs: 50, timeout: { type: "timeout" } });
      const { stage, send, steps } = await stepping({ wait });
      send("wait");
      await stage.pass(40);
      send("other");
      await stage.pass(100);
      expect(steps()).toBe("wait@0 other@40");
      send("wait");
      await stage.pass(100);
      expect(steps()).toBe("wait@0 other@40 wait@140 timeout@190");
      expect(stage.clock.pending).toBe(0);
    });

    it("a timeout from init counts from the start", async () => {
      const { stage, steps } = await stepping(
        {},
        noreply([], { timeoutMs: 20, timeout: { type: "timeout" } }),
      );
      await stage.pass(30);
      expect(steps()).toBe("timeout@20");
    });

    it("a stop calls a timeout off", async () => {
      const { stage, app } = await stepping({}, noreply([], { timeoutMs: 20, timeout: { type: "timeout" } }));
      await app.stop();
      expect(stage.clock.pending).toBe(0);
    });

    it("a throw in what continues is a throw in the handler", async () => {
      const { stage, send } = await stepping({
        go: (state) => noreply(state, { continue: { type: "fail" } }),
        fail() {
          throw new Error("failed");
        },
      });
      send("go");
      await stage.settle();
      expect(stage.reported("child_terminated")).toEqual(["s error"]);
    });

    it("rejects a bad timeoutMs by name", () => {
      expect(() => noreply(null, { timeoutMs: -1, timeout: { type: "x" } })).toThrow(
        expect.objectContaining({
          code: "ERR_INVALID_OPTION",
          details: { option: "timeoutMs", received: -1 },
        }),
      );
    });
  });
});
