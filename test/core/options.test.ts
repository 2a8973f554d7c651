import { describe, expect, it } from "@jest/globals";
import { choiceOption, durationOption, integerOption, show, textOption } from "@dspex/core";

describe("options", () => {
  it("take their defaults when they are left out", () => {
    expect(integerOption("n", undefined, { default: 3, min: 1 })).toBe(3);
    expect(durationOption("d", undefined, { default: 5 })).toBe(5);
    expect(choiceOption("c", undefined, { default: "a", among: ["a", "b"] })).toBe("a");
  });

  it("let good values through", () => {
    expect(integerOption("n", 1, { default: 3, min: 1 })).toBe(1);
    expect(durationOption("d", Infinity, { default: 5 })).toBe(Infinity);
    expect(choiceOption("c", "b", { default: "a", among: ["a", "b"] })).toBe("b");
    expect(textOption("t", "x")).toBe("x");
  });

  it.each([
    [
      "an integer below its minimum",
      () => integerOption("pool.size", 0, { default: 1, min: 1 }),
      "pool.size",
      "0",
    ],
    ["a fraction", () => integerOption("pool.size", 1.5, { default: 1, min: 1 }), "pool.size", "1.5"],
    ["a number as text", () => integerOption("pool.size", "2", { default: 1, min: 1 }), "pool.size", '"2"'],
    ["NaN", () => durationOption("timeoutMs", Number.NaN, { default: 1 }), "timeoutMs", "NaN"],
    ["a negative duration", () => durationOption("timeoutMs", -1, { default: 1 }), "timeoutMs", "-1"],
    [
      "an unknown word",
      () => choiceOption("restart", "always", { default: "permanent", among: ["permanent"] }),
      "restart",
      '"always"',
    ],
    ["an empty text", () => textOption("id", ""), "id", '""'],
  ])("reject %s with the option and the value in the message", (_what, resolve, option, received) => {
    expect(resolve).toThrow(expect.objectContaining({ code: "ERR_INVALID_OPTION" }));
    expect(resolve).toThrow(option);
    expect(resolve).toThrow(received);
  });

  it("show any value in one short line", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    expect(show(cyclic)).toBe("[object Object]");
    expect(show("x".repeat(1_000)).length).toBeLessThanOrEqual(120);
    expect(show(function named() {})).toBe("a function (named)");
    expect(show(undefined)).toBe("undefined");
  });
});
