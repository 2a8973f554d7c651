import { describe, expect, it } from "@jest/globals";
import { DspexError } from "dspex";
import { startTestRuntime } from "../support/runtime.ts";

describe("a pool that speaks JSON lines", () => {
  it("answers as any other, and says so of what it cannot take", async () => {
    await using runtime = await startTestRuntime({ size: 1, codec: "json-lines" });
    const double = runtime.pythonFunction<[number], number>("functions:double");
    expect(await Promise.all([1, 2.5, 3].map((n) => double.call([n])))).toEqual([2, 5, 6]);
    const echo = runtime.pythonFunction<[unknown], unknown>("dspex_bridge.builtins:echo");
    const value = { at: new Date(0), large: Buffer.alloc(300_000, 1), big: 2n ** 70n };
    expect(await echo.call([value])).toEqual(value);
    const outcome = await echo.tryCall([new Map()]);
    expect(!outcome.ok && DspexError.is(outcome.error, "ERR_NOT_SERIALIZABLE")).toBe(true);
  }, 30_000);
});
