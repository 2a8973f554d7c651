import { describe, expect, it } from "@jest/globals";
import { createManualClock, DspexError } from "@dspex/core";
import { scripted, type LmRequest, type LmResponse, type LmStreamEvent, type Script } from "@dspex/lm";

const request: LmRequest = {
  model: "default",
  messages: [{ role: "user", parts: [{ type: "text", text: "What?" }] }],
};
const never = () => new AbortController().signal;

describe("the scripted adapter", () => {
  it("answers with the text that its script makes of the request", async () => {
    const adapter = scripted(({ messages }) => `${messages.length} message`);
    expect(await adapter.complete(request, { signal: never() })).toEqual({
      id: null,
      model: "default",
      message: { role: "assistant", parts: [{ type: "text", text: "1 message" }] },
      finish_reason: "stop",
      usage: {},
    });
  });

  it("passes whole responses and errors on", async () => {
    const response: LmResponse = {
      model: "m",
      message: { role: "assistant", parts: [{ type: "tool_call", id: "1", name: "f", input: {} }] },
      finish_reason: "tool_call",
    };
    expect(await scripted(async () => response).complete(request, { signal: never() })).toBe(response);
    const broken = new Error("scripted");
    const throwing = scripted(() => {
      throw broken;
    });
    await expect(throwing.complete(request, { signal: never() })).rejects.toBe(broken);
  });

  it("answers after its latency", async () => {
    const clock = createManualClock();
    let answered = false;
    const adapter = scripted(() => "x", { latencyMs: 50, clock });
    const asking = adapter.complete(request, { signal: never() }).then(() => (answered = true));
    clock.advance(49);
    await Promise.resolve();
    expect(answered).toBe(false);
    clock.advance(1);
    await asking;
    expect(answered).toBe(true);
  });

  it("G3: an abort ends the wait at once and leaves no timer", async () => {
    const clock = createManualClock();
    const controller = new AbortController();
    let ran = false;
    const adapter = scripted(() => ((ran = true), "x"), { latencyMs: 50, clock });
    const asking = adapter.complete(request, { signal: controller.signal });
    controller.abort();
    await expect(asking).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect({ ran, pending: clock.pending }).toEqual({ ran: false, pending: 0 });
  });

  it("streams a text word by word, between start and end", async () => {
    const events = await eventsOf(() => "a  b\n c ");
    expect(events).toEqual([
      { type: "start", model: "default" },
      ...["a", "  b", "\n c", " "].map((text) => ({
        type: "delta",
        delta: { type: "text", text, part_index: 0 },
      })),
      { type: "end", finish_reason: "stop", usage: {} },
    ]);
  });

  it("streams the parts of a whole response", async () => {
    const events = await eventsOf(() => ({
      id: "r",
      model: "m",
      message: { role: "assistant", parts: [{ type: "tool_call", id: "1", name: "f", input: { x: 1 } }] },
      finish_reason: "tool_call",
      usage: { output_tokens: 1 },
    }));
    expect(events).toEqual([
      { type: "start", id: "r", model: "m" },
      { type: "delta", delta: { type: "tool_call", input: '{"x":1}', part_index: 0, id: "1", name: "f" } },
      { type: "end", finish_reason: "tool_call", usage: { output_tokens: 1 } },
    ]);
  });

  it("lets an async generator decide on the pieces, which make one text when it is asked whole", async () => {
    async function* script() {
      yield "4";
      yield "2";
    }
    const texts = (await eventsOf(script)).flatMap((event) =>
      event.type === "delta" && event.delta.type === "text" ? [event.delta.text] : [],
    );
    expect(texts).toEqual(["4", "2"]);
    const { message } = await scripted(script).complete(request, { signal: never() });
    expect(message.parts).toEqual([{ type: "text", text: "42" }]);
  });

  it("ends its generator when the loop is left early", async () => {
    let ended = false;
    const script = async function* () {
      try {
        for (;;) yield "x";
      } finally {
        ended = true;
      }
    };
    for await (const { type } of scripted(script).stream!(request, { signal: never() }))
      if (type === "delta") break;
    expect(ended).toBe(true);
  });

  it.each<[string, Script]>([
    ["a script", () => new Promise<string>(() => {})],
    [
      "a generator",
      async function* () {
        yield "x";
        await new Promise(() => {});
      },
    ],
  ])("G3: an abort does not wait for %s that hangs, streamed or not", async (_what, script) => {
    const ask = async (how: "complete" | "stream"): Promise<void> => {
      const controller = new AbortController();
      const adapter = scripted(script);
      setImmediate(() => controller.abort());
      if (how === "complete") await adapter.complete(request, controller);
      else for await (const _ of adapter.stream!(request, controller));
    };
    await expect(ask("complete")).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    await expect(ask("stream")).rejects.toMatchObject({ code: "ERR_CANCELLED" });
  });

  it("G3: an abort between two pieces of a text is heard at the next", async () => {
    const controller = new AbortController();
    const stream = scripted(() => "a b").stream!(request, controller)[Symbol.asyncIterator]();
    await stream.next();
    controller.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: "ERR_CANCELLED" });
  });

  it("refuses a bad latency", () => {
    expect(() => scripted(() => "x", { latencyMs: -1 })).toThrow(DspexError);
  });
});

async function eventsOf(script: Script): Promise<LmStreamEvent[]> {
  const events: LmStreamEvent[] = [];
  for await (const event of scripted(script).stream!(request, { signal: never() })) events.push(event);
  return events;
}
