import { describe, expect, it } from "@jest/globals";
import { AttemptBudget, createManualClock, Deadline, DspexError } from "@dspex/core";
import { Call, type CallOutcome } from "../../packages/pool/src/call.ts";

function makeCall(options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const clock = createManualClock();
  const outcomes: CallOutcome[] = [];
  const call = new Call(
    {
      callId: "call-1",
      target: { function: "m:f" },
      input: [],
      context: {},
      deadline: new Deadline(clock, options.timeoutMs ?? 1_000),
      budget: new AttemptBudget(3),
      idempotent: false,
      signal: options.signal,
    },
    (outcome) => outcomes.push(outcome),
  );
  call.watch();
  return { call, clock, outcomes };
}
const info = { lane: "async", durationMs: 1, lmCalls: 0, usage: null } as const;
const failure = new DspexError("ERR_POOL_RESTARTED", "gone", { details: { pool: "p" } });

describe("a call", () => {
  it("G1: settles once, whoever comes first", () => {
    const { call, clock, outcomes } = makeCall();
    call.succeed("value", info);
    call.fail(failure);
    call.succeed("another", info);
    call.abandon(failure);
    clock.advance(5_000);
    expect(outcomes).toHaveLength(1);
    expect(outcomes[0]).toMatchObject({ ok: true, value: "value" });
  });

  it("G2: settles at its deadline, wherever it is, and tells who holds it", () => {
    const { call, clock, outcomes } = makeCall({ timeoutMs: 100 });
    const told: string[] = [];
    call.queued(clock.now());
    call.onAbandon = () => told.push("left the queue");
    clock.advance(100);
    expect(outcomes[0]).toMatchObject({
      ok: false,
      error: { code: "ERR_DEADLINE_EXCEEDED", details: { where: "waiting for a worker" } },
    });
    expect(told).toEqual(["left the queue"]);
  });

  it("leaves no timer and no listener behind when it has settled", () => {
    const controller = new AbortController();
    const { call, clock, outcomes } = makeCall({ signal: controller.signal });
    expect(clock.pending).toBe(1);
    call.succeed(1, info);
    expect(clock.pending).toBe(0);
    controller.abort();
    expect(outcomes).toHaveLength(1);
  });

  it("G3: settles as cancelled with the caller's reason, also when the signal was aborted before", () => {
    for (const abortFirst of [true, false]) {
      const controller = new AbortController();
      if (abortFirst) controller.abort("changed my mind");
      const { outcomes } = makeCall({ signal: controller.signal });
      if (!abortFirst) controller.abort("changed my mind");
      expect(outcomes[0]).toMatchObject({
        ok: false,
        error: { code: "ERR_CANCELLED", cause: "changed my mind" },
      });
    }
  });

  it("G10: counts attempts and the time in the queue over all of them", () => {
    const { call, clock, outcomes } = makeCall();
    call.queued(clock.now());
    clock.advance(30);
    call.started("w-1", clock.now());
    clock.advance(100);
    call.queued(clock.now());
    clock.advance(20);
    call.started("w-2", clock.now());
    call.succeed("v", info);
    expect(outcomes[0]?.meta).toEqual({ worker: "w-2", attempts: 2, queueMs: 50, info });
  });
});
