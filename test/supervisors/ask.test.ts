import { getEventListeners } from "node:events";
import { createManualClock, Deadline } from "@dspex/core";
import { ask, kill, server, type Reply } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { createActor, type AnyActorRef } from "xstate";
import { Stage } from "./stage.ts";

type Message = {
  readonly type: "ask";
  readonly how: "answer" | "refuse" | "twice" | "late" | "crash";
  readonly reply: Reply<number>;
};

const logic = (late: Reply<number>[] = []) =>
  server<number, Message>({
    init: () => 7,
    receive(state, { how, reply }) {
      if (how === "crash") throw new Error("crash");
      if (how === "refuse") reply.reject(new Error("refused"));
      else if (how === "late") late.push(reply);
      else reply.resolve(state);
      if (how === "twice") reply.resolve(state + 1);
      return state;
    },
  });

const request =
  (how: Message["how"]) =>
  (reply: Reply<number>): Message => ({ type: "ask", how, reply });

function observers(ref: AnyActorRef): number {
  return (ref as unknown as { observers: Set<unknown> }).observers.size;
}

describe("ask", () => {
  it("G1: resolves with the first answer, and takes no second", async () => {
    const actor = createActor(logic()).start();
    expect(await ask(actor, request("answer"))).toBe(7);
    expect(await ask(actor, request("twice"))).toBe(7);
  });

  it("rejects with what the actor rejects with", async () => {
    const actor = createActor(logic()).start();
    await expect(ask(actor, request("refuse"))).rejects.toThrow("refused");
  });

  it("G2: rejects at its deadline, and a late answer changes nothing", async () => {
    const clock = createManualClock();
    const late: Reply<number>[] = [];
    const actor = createActor(logic(late)).start();
    const asked = ask(actor, request("late"), { clock, timeoutMs: 50 });
    clock.advance(50);
    await expect(asked).rejects.toMatchObject({ code: "ERR_DEADLINE_EXCEEDED" });
    late[0]!.resolve(1);
    expect(await ask(actor, request("answer"), { clock })).toBe(7);
  });

  it("G2: keeps to the deadline of the call that it is part of, and asks nobody when that has passed", async () => {
    const clock = createManualClock();
    const late: Reply<number>[] = [];
    const actor = createActor(logic(late)).start();
    const deadline = new Deadline(clock, 50);
    const first = ask(actor, request("late"), { clock, deadline });
    clock.advance(50);
    await expect(first).rejects.toMatchObject({ code: "ERR_DEADLINE_EXCEEDED" });
    await expect(ask(actor, request("late"), { clock, deadline })).rejects.toMatchObject({
      code: "ERR_DEADLINE_EXCEEDED",
    });
    expect(late).toHaveLength(1);
  });

  it("rejects when it is cancelled, before and during", async () => {
    const actor = createActor(logic()).start();
    const abort = new AbortController();
    const asked = ask(actor, request("late"), { signal: abort.signal });
    abort.abort("enough");
    await expect(asked).rejects.toMatchObject({ code: "ERR_CANCELLED", cause: "enough" });
    await expect(ask(actor, request("late"), { signal: abort.signal })).rejects.toMatchObject({
      code: "ERR_CANCELLED",
    });
  });

  it("fails at once when the actor crashes, ends, is killed, or is dead already", async () => {
    const stage = new Stage();
    const app = await stage.start({ intensity: 9, children: [{ id: "a", name: "a", start: () => logic() }] });
    const whereis = (): AnyActorRef => app.registry.whereis("a")!;
    const gone = { code: "ERR_NO_PROCESS" };

    const first = whereis();
    await expect(ask(first, request("crash"))).rejects.toMatchObject({
      ...gone,
      cause: { message: "crash" },
    });
    await expect(ask(first, request("answer"))).rejects.toMatchObject(gone);

    const waiting = ask(whereis(), request("late"));
    kill(whereis());
    await expect(waiting).rejects.toMatchObject(gone);

    const stopping = ask(whereis(), request("late"));
    await app.stop();
    await expect(stopping).rejects.toMatchObject(gone);
  });

  it("leaves nothing behind: no observer, no timer, no listener", async () => {
    const clock = createManualClock();
    const late: Reply<number>[] = [];
    const actor = createActor(logic(late)).start();
    const abort = new AbortController();
    const options = { clock, signal: abort.signal };
    for (let round = 0; round < 100; round += 1) {
      await ask(actor, request("answer"), options);
      const slow = ask(actor, request("late"), { ...options, timeoutMs: 1 });
      clock.advance(1);
      await slow.catch(() => {});
    }
    expect([observers(actor), clock.pending]).toEqual([0, 0]);
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
  });
});
