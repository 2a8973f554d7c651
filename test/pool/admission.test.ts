import { describe, expect, it } from "@jest/globals";
import { AttemptBudget, createManualClock, Deadline, DspexError } from "@dspex/core";
import { createTelemetryBus } from "@dspex/telemetry";
import { Admission } from "../../packages/pool/src/admission.ts";
import { Call, type CallOutcome, type CallRequest } from "../../packages/pool/src/call.ts";

const bootError = new DspexError("ERR_WORKER_BOOT", "no interpreter", {
  details: { worker: "p.worker-1", reason: "status 3", stderr: "" },
});
const info = { lane: "async", durationMs: 1, lmCalls: 0, usage: null } as const;

function stage(size = 2) {
  const clock = createManualClock();
  let deserted = true;
  const admission = new Admission({
    pool: "p",
    size: { min: size, max: size },
    quarantineAfter: 2,
    quarantineMs: 1_000,
    breakerFailures: 2,
    breakerOpenMs: 100,
    clock,
    telemetry: createTelemetryBus(clock),
    deserted: () => deserted,
  });
  const call = (name: string, request: Partial<CallRequest> = {}): Call => {
    const made: Call = new Call(
      {
        callId: name,
        target: { function: name },
        input: [],
        context: {},
        deadline: new Deadline(clock, Infinity),
        budget: new AttemptBudget(0),
        idempotent: false,
        ...request,
      },
      (outcome: CallOutcome) => admission.settled(made, outcome),
    );
    return made;
  };
  const verdict = (of: Call): string | undefined => {
    const given = admission.admit(of);
    return typeof given === "object" ? given.code : given;
  };
  return { admission, call, verdict, clock, desert: (now: boolean) => (deserted = now) };
}

describe("the way into a pool without workers", () => {
  it("is open until its boots fail, and again, for one call at a time, after a while", () => {
    const { admission, call, verdict, clock } = stage();
    expect(verdict(call("m:f"))).toBeUndefined();
    for (let failure = 0; failure < 2; failure += 1) admission.bootFailed(bootError);
    expect(admission.admit(call("m:f"))).toMatchObject({ code: "ERR_POOL_UNAVAILABLE", cause: bootError });
    expect(admission.unavailable).toMatchObject({ code: "ERR_POOL_UNAVAILABLE" });
    clock.advance(100);
    const probe = call("m:f");
    expect(verdict(probe)).toBeUndefined();
    expect(verdict(call("m:f"))).toBe("ERR_POOL_UNAVAILABLE");
    probe.fail(bootError);
    expect(verdict(call("m:f"))).toBeUndefined();
    admission.booted();
    expect([verdict(call("m:f")), verdict(call("m:f"))]).toEqual([undefined, undefined]);
  });

  it("is open to jobs, which bring a process of their own", () => {
    const { admission, call, verdict } = stage();
    for (let failure = 0; failure < 2; failure += 1) admission.bootFailed(bootError);
    expect(verdict(call("m:f", { lane: "job" }))).toBeUndefined();
  });

  it("is not closed by boots that fail beside workers that serve", () => {
    const { admission, call, verdict, desert } = stage();
    desert(false);
    for (let failure = 0; failure < 9; failure += 1) admission.bootFailed(bootError);
    desert(true);
    expect(verdict(call("m:f"))).toBeUndefined();
  });
});

describe("a suspect's next call", () => {
  it("G4: runs alone, one of each target and as many in all as there are workers", () => {
    const { admission, call, verdict, desert } = stage(2);
    desert(false);
    const names = ["m:a", "m:b", "m:c"];
    admission.died(
      names.map((name) => call(name)),
      false,
    );
    const first = call("m:a");
    expect([verdict(first), verdict(call("m:a")), verdict(call("m:b")), verdict(call("m:c"))]).toEqual([
      "alone",
      undefined,
      "alone",
      undefined,
    ]);
    first.succeed(null, info);
    expect(verdict(call("m:c"))).toBe("alone");
    expect(verdict(call("m:a"))).toBeUndefined();
  });

  it("runs among others where its state or its place is there", () => {
    const { admission, call, verdict, desert } = stage();
    desert(false);
    admission.died([call("m:f")], false);
    for (const request of [
      { depth: 1 },
      { lane: "job" },
      { affinity: { key: "k", mode: "strict_queue" } },
    ] as const)
      expect(verdict(call("m:f", request))).toBeUndefined();
    expect(verdict(call("m:f"))).toBe("alone");
  });

  it("is refused when the one that ran alone killed its process, whatever it was called with", () => {
    const { admission, call, verdict, desert } = stage();
    desert(false);
    admission.died([call("m:f")], false);
    const alone = call("m:f");
    expect(verdict(alone)).toBe("alone");
    admission.died([alone], true);
    expect(verdict(call("m:f"))).toBe("ERR_QUARANTINED");
    expect(verdict(call("m:f", { lane: "job" }))).toBe("ERR_QUARANTINED");
    expect(verdict(call("m:g"))).toBeUndefined();
  });
});
