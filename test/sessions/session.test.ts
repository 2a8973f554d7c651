import { kill, whichChildren } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";
import { fakeProgram, stage, turns } from "./stage.ts";

const ask = (question: string) => ({ question });

describe("a session", () => {
  it("gives each call the turns before it, and adds one when it succeeds", async () => {
    const { sessions } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42");
    const first = chat.call(program, ask("Who?"));
    await turns();
    expect(calls[0]).toMatchObject({ input: ask("Who?"), history: [] });
    await calls[0]!.answer("Ada");
    expect(await first).toEqual({ answer: "Ada" });
    const failing = chat.tryCall(program, ask("What?"));
    await turns();
    await calls[1]!.fail();
    expect(await failing).toMatchObject({ ok: false, meta: { callId: "call-1" } });
    void chat.tryCall(program, ask("When?"));
    await turns();
    expect(calls[2]!.history).toEqual([{ question: "Who?", answer: "Ada" }]);
    await calls[2]!.answer("1843");
    expect(chat.history()).toEqual([
      { question: "Who?", answer: "Ada" },
      { question: "When?", answer: "1843" },
    ]);
  });

  it("holds the key for worker affinity: its id, at every call", async () => {
    const { sessions } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42");
    void chat.tryCall(program, ask("1"), { furtherAttempts: 0, idempotent: false });
    await turns();
    expect(calls[0]!.options).toMatchObject({
      affinity: { key: "user-42", mode: "hint" },
      tenant: "user-42",
      furtherAttempts: 0,
      idempotent: false,
    });
  });

  it("insists on its worker where it is told to, and is a tenant unless its calls name another", async () => {
    const { sessions } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42", { affinity: "strict_queue" });
    void chat.tryCall(program, ask("1"), { tenant: "customer" });
    await turns();
    expect(calls[0]!.options).toMatchObject({
      affinity: { key: "user-42", mode: "strict_queue" },
      tenant: "customer",
    });
    await expect(sessions.open("user-42", { affinity: "hint" })).rejects.toThrow(
      /affinity must be strict_queue/,
    );
    await expect(sessions.open("x", { affinity: "strict" as never })).rejects.toThrow(
      /affinity must be one of/,
    );
  });

  it("is one writer: its calls run one after the other, in order", async () => {
    const { sessions } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42");
    const outcomes = ["1", "2", "3"].map((question) => chat.call(program, ask(question)));
    for (const [index, outcome] of outcomes.entries()) {
      await turns();
      expect(calls).toHaveLength(index + 1);
      await calls[index]!.answer(`answer ${index}`);
      expect(await outcome).toEqual({ answer: `answer ${index}` });
    }
    expect(chat.history().map((turn) => turn["question"])).toEqual(["1", "2", "3"]);
  });

  it("lets different sessions run at the same time", async () => {
    const { sessions } = await stage();
    const { program, calls } = fakeProgram();
    for (const id of ["ada", "bob"]) void (await sessions.open(id)).tryCall(program, ask(id));
    await turns();
    expect(calls.map(({ input }) => input.question)).toEqual(["ada", "bob"]);
  });

  it("G4: drops the oldest turns of its history", async () => {
    const { sessions } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42", { maxTurns: 2 });
    for (const [index, question] of ["1", "2", "3"].entries()) {
      void chat.tryCall(program, ask(question));
      await turns();
      await calls[index]!.answer(question);
    }
    expect(chat.history().map((turn) => turn["question"])).toEqual(["2", "3"]);
  });

  it("G4: refuses a call when its queue is full, and takes one again when there is room", async () => {
    const { sessions } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42", { queueLimit: 1 });
    void chat.tryCall(program, ask("1"));
    void chat.tryCall(program, ask("2"));
    const refused = await chat.tryCall(program, ask("3"));
    expect(refused).toMatchObject({
      ok: false,
      error: { code: "ERR_SESSION_BUSY", retryable: true, details: { session: "user-42", limit: 1 } },
    });
    expect(refused.meta).toBeUndefined();
    await turns();
    await calls[0]!.answer("1");
    void chat.tryCall(program, ask("4"));
    await calls[1]!.answer("2");
    expect(calls.map(({ input }) => input.question)).toEqual(["1", "2", "4"]);
  });

  it("G3: takes a call that is aborted out of its queue, and aborts the one that runs", async () => {
    const { sessions } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42");
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = chat.tryCall(program, ask("1"), { signal: running.signal });
    const second = chat.tryCall(program, ask("2"), { signal: waiting.signal });
    void chat.tryCall(program, ask("3"));
    await turns();
    waiting.abort("no matter");
    expect(await second).toMatchObject({ ok: false, error: { code: "ERR_CANCELLED", cause: "no matter" } });
    running.abort();
    expect(await first).toMatchObject({ ok: false, meta: { attempts: 1 } });
    await turns();
    expect(calls.map(({ input }) => input.question)).toEqual(["1", "3"]);
    const aborted = await chat.tryCall(program, ask("4"), { signal: AbortSignal.abort() });
    expect(aborted).toMatchObject({ ok: false, error: { code: "ERR_CANCELLED" } });
  });

  it("G2: takes the time that a call waits from its one deadline", async () => {
    const { sessions, clock } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42");
    void chat.tryCall(program, ask("1"));
    void chat.tryCall(program, ask("2"), { timeoutMs: 1_000 });
    const late = chat.tryCall(program, ask("3"), { timeoutMs: 500 });
    await turns();
    clock.advance(600);
    expect(await late).toMatchObject({
      ok: false,
      error: { code: "ERR_DEADLINE_EXCEEDED", details: { timeoutMs: 500 } },
    });
    await calls[0]!.answer("1");
    expect(calls[0]!.options.timeoutMs).toBe(60_000);
    expect(calls[1]!.options.timeoutMs).toBe(400);
    expect(calls).toHaveLength(2);
  });

  it("refuses a bad timeout with an outcome, and passes on what a program refuses", async () => {
    const { sessions } = await stage();
    const { program } = fakeProgram();
    const chat = await sessions.open("user-42");
    expect(await chat.tryCall(program, ask("1"), { timeoutMs: -1 })).toMatchObject({
      ok: false,
      error: { code: "ERR_INVALID_OPTION" },
    });
    const refuses = {
      ...program,
      withHistory: () => {
        throw new Error("has a history of its own");
      },
    };
    await expect(chat.call(refuses, ask("2"))).rejects.toThrow("has a history of its own");
  });
});

describe("the end of a session", () => {
  it("comes after its TTL, which every use begins anew and a running call holds up", async () => {
    const { sessions, clock, ended } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42", { ttlMs: 100 });
    clock.advance(90);
    void chat.tryCall(program, ask("1"));
    await turns();
    clock.advance(500);
    await calls[0]!.answer("1");
    clock.advance(99);
    await turns();
    expect(ended).toEqual([]);
    clock.advance(1);
    await turns();
    expect(ended).toEqual([{ session: "user-42", how: "expired", turns: 1, durationMs: 690 }]);
    await expect(chat.call(program, ask("2"))).rejects.toMatchObject({
      code: "ERR_SESSION_ENDED",
      details: { session: "user-42", how: "expired" },
    });
    expect(clock.pending).toBe(0);
  });

  it("does not come by itself with a TTL of Infinity", async () => {
    const { sessions, clock } = await stage();
    await sessions.open("user-42", { ttlMs: Infinity });
    expect(clock.pending).toBe(0);
  });

  it("lets the calls that it has finish, refuses further ones, and is waited for by all who ask", async () => {
    const { sessions, ended } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42");
    const outcomes = ["1", "2"].map((question) => chat.tryCall(program, ask(question)));
    await turns();
    let over = 0;
    const ends = [chat.end(), chat.end(), chat[Symbol.asyncDispose]()].map((end) =>
      end.then(() => (over += 1)),
    );
    expect(await chat.tryCall(program, ask("3"))).toMatchObject({
      error: { code: "ERR_SESSION_ENDED", details: { how: "ended" } },
    });
    await calls[0]!.answer("1");
    expect(over).toBe(0);
    await calls[1]!.answer("2");
    await Promise.all(ends);
    expect((await Promise.all(outcomes)).map(({ ok }) => ok)).toEqual([true, true]);
    expect(ended).toMatchObject([{ how: "ended", turns: 2 }]);
    await chat.end();
  });

  it("G1: by a crash fails what it had, aborts what ran, and is not undone by a restart", async () => {
    const { sessions, application, ended } = await stage();
    const { program, calls } = fakeProgram();
    const chat = await sessions.open("user-42");
    const outcomes = ["1", "2"].map((question) => chat.tryCall(program, ask(question)));
    await turns();
    const supervisor = application.registry.whereis("sessions")!;
    kill((await whichChildren(supervisor))[0]!.ref!);
    for (const outcome of outcomes)
      expect(await outcome).toMatchObject({
        ok: false,
        error: { code: "ERR_SESSION_ENDED", details: { how: "crashed" } },
      });
    expect(calls[0]!.options.signal!.aborted).toBe(true);
    expect(await whichChildren(supervisor)).toEqual([]);
    expect(ended).toMatchObject([{ how: "crashed" }]);
    await chat.end();
    expect((await sessions.open("user-42")).history()).toEqual([]);
  });

  it("comes with the runtime's: what does not finish in time is failed", async () => {
    const { sessions, application, clock } = await stage();
    const { program } = fakeProgram();
    const idle = await sessions.open("idle");
    const busy = await sessions.open("busy");
    const outcome = busy.tryCall(program, ask("1"));
    await turns();
    const stopped = application.stop();
    await turns();
    clock.advance(5_000);
    expect(await outcome).toMatchObject({
      error: { code: "ERR_SESSION_ENDED", details: { how: "stopped" } },
    });
    await stopped;
    expect(await idle.tryCall(program, ask("2"))).toMatchObject({ error: { details: { how: "stopped" } } });
    await expect(sessions.open("new")).rejects.toMatchObject({ code: "ERR_NO_PROCESS" });
    expect(sessions.size).toBe(0);
  });
});

describe("opening a session", () => {
  it("gives the one that lives to all who open its id, also at the same time", async () => {
    const { sessions } = await stage();
    const [first, second] = await Promise.all([
      sessions.open("user-42", { ttlMs: 100 }),
      sessions.open("user-42"),
    ]);
    expect(second).toBe(first);
    expect(await sessions.open("user-42", { ttlMs: 100 })).toBe(first);
    expect(sessions.size).toBe(1);
    await expect(sessions.open("user-42", { ttlMs: 200 })).rejects.toMatchObject({
      code: "ERR_INVALID_OPTION",
      details: { option: "ttlMs" },
    });
  });

  it("waits for one that is ending, and gives a new one", async () => {
    const { sessions } = await stage();
    const { program, calls } = fakeProgram();
    const old = await sessions.open("user-42", { ttlMs: 100 });
    void old.tryCall(program, ask("1"));
    await turns();
    void old.end();
    const opening = sessions.open("user-42", { ttlMs: 200 });
    await calls[0]!.answer("1");
    const fresh = await opening;
    expect(fresh).not.toBe(old);
    expect(fresh.history()).toEqual([]);
  });

  it("refuses bad options, and says what would do for a TTL of 0", async () => {
    const { sessions } = await stage();
    await expect(sessions.open("user-42", { ttlMs: 0 })).rejects.toThrow(
      /ttlMs must be more than 0.*Infinity.*received 0/,
    );
    await expect(sessions.open("user-42", { ttlMs: Number.NaN })).rejects.toMatchObject({
      code: "ERR_INVALID_OPTION",
    });
    await expect(sessions.open("user-42", { maxTurns: 0 })).rejects.toThrow(/maxTurns/);
    await expect(sessions.open("")).rejects.toThrow(/id must be a non-empty string/);
    expect(sessions.size).toBe(0);
  });

  it("G4: refuses more sessions than may live, until one is over", async () => {
    const { sessions } = await stage({ maxSessions: 2 });
    const first = await sessions.open("1");
    await sessions.open("2");
    await expect(sessions.open("3")).rejects.toMatchObject({
      code: "ERR_SESSIONS_FULL",
      details: { limit: 2 },
    });
    await first.end();
    await sessions.open("3");
    expect(sessions.size).toBe(2);
  });

  it("leaves nothing behind: after 1,000 sessions have expired there is no session, timer or child", async () => {
    const { sessions, clock, application } = await stage();
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => sessions.open(`user-${n}`, { ttlMs: 100 })));
    expect(sessions.size).toBe(1_000);
    clock.advance(100);
    await turns();
    expect(sessions.size).toBe(0);
    expect(clock.pending).toBe(0);
    expect(await whichChildren(application.registry.whereis("sessions")!)).toEqual([]);
  });
});
