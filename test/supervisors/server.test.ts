import { exit, server, type ExitReason } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { createActor } from "xstate";

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
});
