import { describe, expect, it } from "@jest/globals";
import { createRedactor } from "@dspex/core";

const canary = "sk-canary-0123456789";

describe("redaction", () => {
  it("G11: masks a known secret wherever its text turns up", () => {
    const redactor = createRedactor();
    redactor.add(canary);
    const clean = redactor.value({
      url: `https://x/?key=${canary}`,
      list: [`Bearer ${canary}`],
      nested: { a: canary },
    });
    expect(JSON.stringify(clean)).not.toContain(canary);
    expect(JSON.stringify(clean)).toContain("https://x/?key=[redacted]");
  });

  it.each([
    "apiKey",
    "api_key",
    "Authorization",
    "password",
    "x-api-key",
    "token",
    "session.secret",
    "cookie",
  ])("G11: masks a field named %s, whatever it holds", (name) => {
    expect(createRedactor().value({ [name]: canary })).toEqual({ [name]: "[redacted]" });
  });

  it.each(["keyboard", "tokens", "inputTokens", "author"])("leaves a field named %s alone", (name) => {
    expect(createRedactor().value({ [name]: 7 })).toEqual({ [name]: 7 });
  });

  it("is bounded in depth, so a cycle ends", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    expect(JSON.stringify(createRedactor().value(cyclic))).toContain("[…]");
  });

  it("does not mask texts so short that they are everywhere", () => {
    const redactor = createRedactor();
    redactor.add("a");
    expect(redactor.text("banana")).toBe("banana");
  });
});
