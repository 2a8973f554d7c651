import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import { DspexError, messageOf } from "@dspex/core";

const cancelled = (cause?: unknown): DspexError =>
  new DspexError("ERR_CANCELLED", "stopped", { details: { where: "here" }, retryable: true, cause });

describe("DspexError", () => {
  it("is recognised by its brand, with and without a code", () => {
    expect(DspexError.is(cancelled())).toBe(true);
    expect(DspexError.is(cancelled(), "ERR_CANCELLED")).toBe(true);
    expect(DspexError.is(cancelled(), "ERR_INVALID_OPTION")).toBe(false);
  });

  it("does not take other errors, and not their look-alikes", () => {
    for (const other of [new Error("x"), { code: "ERR_CANCELLED" }, null, undefined, "ERR_CANCELLED"])
      expect(DspexError.is(other)).toBe(false);
  });

  it("recognises an error of another copy of the package by the shared brand", () => {
    const foreign = { [Symbol.for("dspex.error")]: true, code: "ERR_CANCELLED" };
    expect(DspexError.is(foreign, "ERR_CANCELLED")).toBe(true);
  });

  it("becomes plain JSON with its details and the message of its cause", () => {
    expect(JSON.parse(JSON.stringify(cancelled(new TypeError("why"))))).toEqual({
      code: "ERR_CANCELLED",
      message: "stopped",
      retryable: true,
      details: { where: "here" },
      cause: "why",
    });
    expect("cause" in cancelled().toJSON()).toBe(false);
  });
});

describe("messageOf", () => {
  it("reads the message of an error of another realm", () => {
    expect(messageOf(runInNewContext("new Error('far away')"))).toBe("far away");
  });

  it("renders what is no error at all", () => {
    expect([messageOf("text"), messageOf(undefined), messageOf(7)]).toEqual(["text", "undefined", "7"]);
  });
});
