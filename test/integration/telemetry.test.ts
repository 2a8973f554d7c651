import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { scripted, signature, type Runtime, type TelemetryEvent } from "dspex";
import { DspexError } from "@dspex/core";
import { eventually } from "../support/eventually.ts";
import { startTestRuntime } from "../support/runtime.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("telemetry", () => {
  const events: TelemetryEvent[] = [];
  const of = (name: TelemetryEvent["name"]): readonly unknown[] =>
    events.filter((event) => event.name === name).map(({ fields }) => fields);
  let refusals = 1;
  let runtime: Runtime;
  beforeAll(async () => {
    const model = scripted(() => {
      if (refusals > 0) {
        refusals -= 1;
        throw new DspexError("ERR_LM_SERVER", "Not now.", {
          details: { endpoint: "default" },
          retryable: true,
        });
      }
      return "[[ ## answer ## ]]\n42\n\n[[ ## completed ## ]]";
    });
    runtime = await startTestRuntime(
      { size: 1, heartbeatMs: 50 },
      { lm: { default: model }, subscribe: (bus) => void bus.onAny((event) => events.push(event)) },
    );
  }, 30_000);
  afterAll(() => runtime.stop());

  it("scenario 38: names a call alike at its caller, its worker, in Python, at the model and in every record", async () => {
    const inPython = runtime.pythonFunction<[], string>("functions:traceparent");
    expect(await inPython.call([], { traceparent })).toBe(traceparent);

    const qa = runtime.program(signature("question -> answer"));
    const { meta } = await qa.tryCall({ question: "?" }, { traceparent });
    const [worker] = runtime.workers();
    expect(meta).toMatchObject({ worker: worker!.worker, lmCalls: 1, attempts: 1 });
    const { callId } = meta;
    expect(of("call.settled")).toContainEqual(
      expect.objectContaining({ callId, worker: worker!.worker, ok: true }),
    );
    expect(of("lm.request.retried")).toEqual([expect.objectContaining({ callId, code: "ERR_LM_SERVER" })]);
    expect(of("lm.request.settled")).toEqual([expect.objectContaining({ callId, ok: true, attempts: 2 })]);
  });

  it("has the life of a worker, from what came before anybody could subscribe later, to its end", async () => {
    const [worker] = runtime.workers();
    const { pid } = worker!;
    const life = { pool: "dspy", worker: worker!.worker };
    expect(of("pool.worker.spawned")).toEqual([expect.objectContaining({ ...life, pid })]);
    expect(of("pool.worker.ready")).toEqual([expect.objectContaining({ ...life, pid })]);
    const [beat] = await eventually(() =>
      of("pool.worker.heartbeat").length > 0 ? of("pool.worker.heartbeat") : false,
    );
    expect(beat).toMatchObject({ ...life, lagMs: expect.any(Number), inFlight: expect.any(Number) });
    expect((beat as { rssBytes: number }).rssBytes).toBeGreaterThan(10_000_000);

    process.kill(pid, "SIGKILL");
    await eventually(() => runtime.workers().some((other) => other.pid !== pid));
    expect(of("pool.worker.exited")).toEqual([
      expect.objectContaining({ ...life, pid, signal: "SIGKILL", lost: 0, expected: false }),
    ]);
    expect(of("supervisor.report")).toContainEqual(expect.objectContaining({ report: "child_terminated" }));
  });

  it("has the life of a session", async () => {
    const session = await runtime.session("s");
    await session.end();
    expect(of("session.opened")).toEqual([expect.objectContaining({ session: "s" })]);
    expect(of("session.ended")).toEqual([expect.objectContaining({ session: "s", turns: 0 })]);
  });
});
