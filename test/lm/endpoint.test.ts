import { describe, expect, it } from "@jest/globals";
import { AttemptBudget, createManualClock, Deadline, DspexError } from "@dspex/core";
import {
  createEndpoint,
  scripted,
  type EndpointCall,
  type LmAdapter,
  type LmRequest,
  type LmStreamEvent,
} from "@dspex/lm";
import { createRegistry, kill, startApplication } from "@dspex/supervisors";
import { createTelemetryBus, type TelemetryEvent } from "@dspex/telemetry";

const request: LmRequest = {
  model: "host",
  messages: [{ role: "user", parts: [{ type: "text", text: "?" }] }],
};
const busy = (retryAfterMs?: number): DspexError =>
  new DspexError("ERR_LM_RATE_LIMIT", "busy", {
    details: { endpoint: "e", ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
    retryable: true,
  });
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};

async function start(adapter: LmAdapter) {
  const clock = createManualClock();
  const telemetry = createTelemetryBus(clock);
  const events: TelemetryEvent[] = [];
  telemetry.onAny((event) => events.push(event));
  const registry = createRegistry();
  const { endpoint, spec } = createEndpoint("e", adapter, { clock, random: () => 1, telemetry, registry });
  const application = await startApplication({ children: [spec], intensity: 5, clock, registry });
  const controller = new AbortController();
  const call = (options: { timeoutMs?: number; furtherAttempts?: number } = {}): EndpointCall => ({
    callId: "call-1",
    deadline: new Deadline(clock, options.timeoutMs ?? 60_000),
    budget: new AttemptBudget(options.furtherAttempts ?? 3),
    signal: controller.signal,
  });
  const records = () =>
    events.filter(({ name }) => name === "lm.request.settled").map(({ fields }) => fields);
  return {
    clock,
    registry,
    endpoint,
    call,
    controller,
    records,
    [Symbol.asyncDispose]: () => application.stop(),
  };
}

/** Fails as often as told, then answers. */
function failing(times: number, error = busy()): { adapter: LmAdapter; asked: () => number } {
  let asked = 0;
  const adapter = scripted(() => {
    asked += 1;
    if (asked <= times) throw error;
    return "yes";
  });
  return { adapter, asked: () => asked };
}

describe("an endpoint", () => {
  it("G2: repeats what may pass, out of the call's budget, after growing pauses", async () => {
    const { adapter, asked } = failing(2);
    await using running = await start(adapter);
    const reply = running.endpoint.complete(request, running.call());
    await turns();
    expect(asked()).toBe(1);
    running.clock.advance(200);
    await turns();
    expect(asked()).toBe(2);
    running.clock.advance(399);
    await turns();
    expect(asked()).toBe(2);
    running.clock.advance(1);
    expect((await reply).message.parts).toEqual([{ type: "text", text: "yes" }]);
    expect(running.records()).toMatchObject([{ ok: true, attempts: 3, durationMs: 600 }]);
  });

  it("waits as long as the provider asks", async () => {
    const { adapter, asked } = failing(1, busy(5_000));
    await using running = await start(adapter);
    const reply = running.endpoint.complete(request, running.call());
    await turns();
    running.clock.advance(4_999);
    await turns();
    expect(asked()).toBe(1);
    running.clock.advance(1);
    await reply;
    expect(asked()).toBe(2);
  });

  it.each([
    ["the budget is used up", { furtherAttempts: 0 }],
    ["the pause would outlast the deadline", { timeoutMs: 100 }],
  ])("G2: lets the failure stand when %s", async (_when, options) => {
    const { adapter, asked } = failing(9);
    await using running = await start(adapter);
    await expect(running.endpoint.complete(request, running.call(options))).rejects.toMatchObject({
      code: "ERR_LM_RATE_LIMIT",
    });
    expect(asked()).toBe(1);
    expect(running.records()).toMatchObject([{ ok: false, code: "ERR_LM_RATE_LIMIT", attempts: 1 }]);
  });

  it("does not repeat what will not pass", async () => {
    const { adapter, asked } = failing(
      9,
      new DspexError("ERR_LM_AUTH", "no", { details: { endpoint: "e" } }),
    );
    await using running = await start(adapter);
    await expect(running.endpoint.complete(request, running.call())).rejects.toMatchObject({
      code: "ERR_LM_AUTH",
    });
    expect(asked()).toBe(1);
  });

  it("G3: an abort ends the pause and the repetitions", async () => {
    const { adapter, asked } = failing(9);
    await using running = await start(adapter);
    const reply = running.endpoint.complete(request, running.call());
    await turns();
    running.controller.abort("enough");
    await expect(reply).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(asked()).toBe(1);
  });

  it("G1: fails a request whose message died with the actor that it was sent to", async () => {
    await using running = await start(scripted(() => "yes"));
    const actor = running.registry.whereis("lm.e")!;
    // Sent while a message is being delivered, so that it waits; the actor is killed before its turn.
    let reply: Promise<unknown> | undefined;
    const send = actor.send.bind(actor);
    const request_ = {
      begin: () => ((reply = running.endpoint.complete(request, running.call())), kill(actor)),
      fail() {},
    };
    send({ type: "begin", request: request_ });
    await expect(reply).rejects.toMatchObject({ code: "ERR_LM_ENDPOINT_RESTARTED" });
  });

  it("names what a broken adapter threw", async () => {
    const complete = (): Promise<never> => Promise.reject(new TypeError("not a function"));
    await using running = await start({ complete });
    await expect(running.endpoint.complete(request, running.call())).rejects.toMatchObject({
      code: "ERR_LM_ADAPTER",
      message: expect.stringContaining("not a function"),
    });
  });

  it("G1: fails what is in flight at once when its actor is killed, and works again with the next", async () => {
    let hang = true;
    let asked: AbortSignal | undefined;
    const inner = scripted(() => (hang ? new Promise<string>(() => {}) : "yes"));
    const adapter: LmAdapter = {
      complete(asking, { signal }) {
        asked = signal;
        return inner.complete(asking, { signal });
      },
    };
    await using running = await start(adapter);
    const hanging = running.endpoint.complete(request, running.call());
    await turns();
    kill(running.registry.whereis("lm.e")!);
    await expect(hanging).rejects.toMatchObject({ code: "ERR_LM_ENDPOINT_RESTARTED", retryable: true });
    // Nobody goes on asking, and there is one record.
    expect(asked?.aborted).toBe(true);
    expect(running.records()).toMatchObject([{ ok: false, code: "ERR_LM_ENDPOINT_RESTARTED" }]);
    hang = false;
    await turns();
    expect(await running.endpoint.complete(request, running.call())).toBeDefined();
  });
});

describe("a stream of an endpoint", () => {
  const start_: LmStreamEvent = { type: "start", model: "m" };
  const end: LmStreamEvent = {
    type: "end",
    finish_reason: "stop",
    usage: { input_tokens: 3, output_tokens: 4 },
  };
  const streaming = (events: (attempt: number) => AsyncGenerator<LmStreamEvent>): LmAdapter => {
    let attempt = 0;
    return { complete: () => Promise.reject(new Error("unused")), stream: () => events((attempt += 1)) };
  };
  async function collect(
    stream: AsyncIterable<LmStreamEvent>,
    into: LmStreamEvent[] = [],
  ): Promise<LmStreamEvent[]> {
    for await (const event of stream) into.push(event);
    return into;
  }

  it("is repeated until its first event", async () => {
    await using running = await start(
      streaming(async function* (attempt) {
        if (attempt === 1) throw busy();
        yield start_;
        yield end;
      }),
    );
    const events = collect(running.endpoint.stream!(request, running.call()));
    await turns();
    running.clock.advance(200);
    expect(await events).toEqual([start_, end]);
    expect(running.records()).toMatchObject([{ ok: true, attempts: 2, inputTokens: 3, outputTokens: 4 }]);
  });

  it("is not repeated after it, whatever the error says", async () => {
    await using running = await start(
      streaming(async function* () {
        yield start_;
        throw busy();
      }),
    );
    const events: LmStreamEvent[] = [];
    await expect(collect(running.endpoint.stream!(request, running.call()), events)).rejects.toMatchObject({
      code: "ERR_LM_RATE_LIMIT",
    });
    expect(events).toEqual([start_]);
    expect(running.records()).toMatchObject([{ ok: false, code: "ERR_LM_RATE_LIMIT", attempts: 1 }]);
  });

  it("G3: ends at the adapter when its reader leaves, and is recorded once", async () => {
    let closed = false;
    await using running = await start(
      streaming(async function* () {
        try {
          for (;;) yield start_;
        } finally {
          closed = true;
        }
      }),
    );
    for await (const event of running.endpoint.stream!(request, running.call()))
      if (event.type === "start") break;
    await turns();
    expect(closed).toBe(true);
    expect(running.records()).toMatchObject([{ ok: false, code: "ERR_CANCELLED" }]);
  });

  it("G1: ends with an error when its actor is killed", async () => {
    await using running = await start(
      streaming(async function* () {
        yield start_;
        await new Promise(() => {});
      }),
    );
    const reading = collect(running.endpoint.stream!(request, running.call()));
    await turns();
    kill(running.registry.whereis("lm.e")!);
    await expect(reading).rejects.toMatchObject({ code: "ERR_LM_ENDPOINT_RESTARTED" });
  });

  it("is absent when the adapter only gives whole replies", async () => {
    await using running = await start({ complete: () => Promise.reject(new Error("unused")) });
    expect(running.endpoint.stream).toBeUndefined();
  });
});
