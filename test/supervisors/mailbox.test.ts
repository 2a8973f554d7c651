import type { DspexError } from "@dspex/core";
import {
  ask,
  countChildren,
  kill,
  server,
  supervisorSpec,
  terminateChild,
  type ChildSpec,
  type DeadLetter,
  type MailboxOptions,
  type Overflow,
  type Reply,
} from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import type { AnyActorRef } from "xstate";
import { Stage } from "./stage.ts";

type Message =
  | { readonly type: "n"; readonly n: number }
  | { readonly type: "get"; readonly reply: Reply<number> };

/** A child that writes down what it gets, and one whose handler sends it many messages at a time. */
function pair(mailbox: MailboxOptions | undefined) {
  const got: number[] = [];
  const receiver: ChildSpec = {
    id: "receiver",
    name: "receiver",
    ...(mailbox === undefined ? {} : { mailbox }),
    start: () =>
      server<null, Message>({
        init: () => null,
        receive(state, message) {
          if (message.type === "n") got.push(message.n);
          else message.reply.resolve(got.length);
          return state;
        },
      }),
  };
  const inside: ChildSpec = {
    id: "inside",
    name: "inside",
    start: () =>
      server<null, { readonly type: "do"; readonly work: () => void }>({
        init: () => null,
        receive(state, { work }) {
          work();
          return state;
        },
      }),
  };
  return { got, children: [receiver, inside] };
}

async function flooded(overflow: Overflow, messages = 5) {
  const stage = new Stage();
  const letters: DeadLetter[] = [];
  const { got, children } = pair({ limit: 3, overflow });
  const app = await stage.start({ children, onDeadLetter: (letter) => letters.push(letter) });
  app.registry.whereis("inside")!.send({
    type: "do",
    work() {
      for (let n = 1; n <= messages; n += 1) app.registry.whereis("receiver")?.send({ type: "n", n });
    },
  });
  await stage.settle();
  const dropped = letters.map(({ event, reason }) => `${(event as { n?: number }).n} ${reason}`);
  return { stage, app, got, dropped };
}

describe("G4: a mailbox is bounded", () => {
  it("drop_newest, the default, drops what finds no room", async () => {
    const { got, dropped } = await flooded("drop_newest");
    expect(got).toEqual([1, 2, 3]);
    expect(dropped).toEqual(["4 mailbox_full", "5 mailbox_full"]);
  });

  it("drop_oldest makes room for the newest", async () => {
    const { got, dropped } = await flooded("drop_oldest");
    expect(got).toEqual([3, 4, 5]);
    expect(dropped).toEqual(["1 mailbox_full", "2 mailbox_full"]);
  });

  it("exit ends the receiver, which its supervisor starts again", async () => {
    const { stage, got, dropped, app } = await flooded("exit", 4);
    expect(got).toEqual([]);
    expect(dropped).toEqual(["4 mailbox_full", "1 not_alive", "2 not_alive", "3 not_alive"]);
    const terminated = stage.reports.find(({ report }) => report === "child_terminated");
    expect(terminated).toMatchObject({
      child: "receiver",
      reason: { error: { code: "ERR_MAILBOX_FULL", details: { limit: 3 } } },
    });
    expect(app.tree().children[0]).toMatchObject({ id: "receiver", incarnation: 2, state: "running" });
  });

  it("says once that it is full, and again when it had been empty", async () => {
    const { stage, app } = await flooded("drop_newest", 50);
    const full = (): unknown[] => stage.reports.filter(({ report }) => report === "mailbox_full");
    expect(full()).toEqual([
      {
        report: "mailbox_full",
        path: ["application"],
        child: "receiver",
        generation: 1,
        limit: 3,
        overflow: "drop_newest",
      },
    ]);
    app.registry.whereis("inside")!.send({
      type: "do",
      work() {
        for (let n = 0; n < 4; n += 1) app.registry.whereis("receiver")!.send({ type: "n", n });
      },
    });
    await stage.settle();
    expect(full()).toHaveLength(2);
  });

  it("holds 100,000 messages by default, and no more", async () => {
    const stage = new Stage();
    const { got, children } = pair(undefined);
    const app = await stage.start({ children });
    let depth = 0;
    app.registry.whereis("inside")!.send({
      type: "do",
      work() {
        for (let n = 0; n < 100_001; n += 1) app.registry.whereis("receiver")!.send({ type: "n", n });
        depth = app.tree().children[0]!.mailboxDepth;
      },
    });
    while (got.length < 100_000) await new Promise((resolve) => setImmediate(resolve));
    expect(depth).toBe(100_000);
    expect(app.deadLetters).toBe(1);
    expect(app.tree().children[0]!.mailboxDepth).toBe(0);
  });

  it("a request that finds no room fails at once", async () => {
    const stage = new Stage();
    const { children } = pair({ limit: 1 });
    const app = await stage.start({ children });
    let asked: Promise<unknown> | undefined;
    app.registry.whereis("inside")!.send({
      type: "do",
      work() {
        const receiver = app.registry.whereis("receiver")!;
        receiver.send({ type: "n", n: 1 });
        asked = ask(receiver, (reply) => ({ type: "get", reply }), { timeoutMs: Infinity });
      },
    });
    await expect(asked).rejects.toMatchObject({ code: "ERR_MAILBOX_FULL", retryable: true });
  });

  it("a supervisor that is busy refuses calls beyond its limit, and answers those before", async () => {
    const stage = new Stage();
    const app = await stage.start({
      children: [
        supervisorSpec(
          "s",
          { children: [stage.worker("slow", { stop: "never", shutdown: 100 })] },
          { name: "s", mailbox: { limit: 2 } },
        ),
      ],
    });
    const s = app.registry.whereis("s")!;
    const answers: string[] = [];
    const call = (): void =>
      void countChildren(s).then(
        ({ active }) => answers.push(`${active}`),
        (error: unknown) => answers.push((error as DspexError).code),
      );
    void terminateChild(s, "slow");
    for (let n = 0; n < 3; n += 1) call();
    await stage.settle();
    expect(answers).toEqual(["ERR_MAILBOX_FULL"]);
    await stage.pass(100);
    expect(answers).toEqual(["ERR_MAILBOX_FULL", "0", "0"]);
  });

  it.each([
    [{ limit: 0 }, "child.mailbox.limit"],
    [{ limit: 1.5 }, "child.mailbox.limit"],
    [{ overflow: "explode" }, "child.mailbox.overflow"],
    [7, "child.mailbox"],
  ])("rejects %j by name", async (mailbox, option) => {
    const stage = new Stage();
    const spec = { ...stage.worker("a"), mailbox } as ChildSpec;
    await expect(stage.start({ children: [spec] })).rejects.toMatchObject({
      code: "ERR_INVALID_OPTION",
      details: { option: option.replace("child", "children[0]") },
    });
  });
});

describe("signal before stop before supervision before user", () => {
  /** What a child gets when its handler has sent it two messages, and something else was done at the same time. */
  async function order(meanwhile: (stage: Stage) => void): Promise<string> {
    const stage = new Stage();
    const seen: string[] = [];
    const app = await stage.start({
      intensity: 9,
      children: [
        stage.worker("sibling", { name: "sibling" }),
        {
          id: "a",
          name: "a",
          start: () =>
            server<null, { readonly type: string }>({
              init({ self }) {
                self.subscribe({ complete: () => seen.push("end"), error: () => seen.push("end") });
                return null;
              },
              receive(state, { type }, { self }) {
                seen.push(`${type} sibling#${app.tree().children[0]!.incarnation}`);
                if (type !== "go") return state;
                self.send({ type: "1" });
                self.send({ type: "2" });
                meanwhile(stage);
                return state;
              },
              terminate: () => void seen.push("terminate"),
            }),
        },
      ],
    });
    app.registry.whereis("a")!.send({ type: "go" });
    await stage.settle();
    return seen.join(", ");
  }

  it.each([
    ["kill()", (ref: AnyActorRef) => kill(ref)],
    ["the event xstate.stop", (ref: AnyActorRef) => ref.send({ type: "xstate.stop" })],
  ])("%s: no message that waits is seen any more", async (_name, killIt) => {
    expect(await order(({ app }) => killIt(app.registry.whereis("a")!))).toBe("go sibling#1, end");
  });

  it("a stop by the supervisor comes before the messages that wait", async () => {
    expect(await order(({ app }) => void terminateChild(app.root, "a"))).toBe("go sibling#1, terminate, end");
  });

  it("the restart of a sibling comes before the messages that wait", async () => {
    expect(await order((stage) => stage.recorder.end("sibling", "killed"))).toBe(
      "go sibling#1, 1 sibling#2, 2 sibling#2",
    );
  });
});
