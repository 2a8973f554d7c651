import { describe, expect, it } from "@jest/globals";
import { createManualClock, DspexError } from "@dspex/core";
import { scripted, type LmRequest, type LmResponse } from "@dspex/lm";

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

  it("refuses a bad latency", () => {
    expect(() => scripted(() => "x", { latencyMs: -1 })).toThrow(DspexError);
  });
});
