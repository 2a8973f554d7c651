import { describe, expect, it } from "@jest/globals";
import { recycleReason } from "../../packages/pool/src/recycle-reason.ts";

const never = { maxAgeMs: Infinity, maxCalls: Infinity, maxRssBytes: Infinity, maxLagMs: Infinity };
const worn = { ageMs: 1_000, calls: 100, health: { lagMs: 50, rssBytes: 1_000 } };

describe("the reason to recycle a worker", () => {
  it("is none without a limit", () => {
    expect(recycleReason(never, worn, 0.5)).toBeUndefined();
  });

  it.each([
    ["age", { maxAgeMs: 1_000 }, { maxAgeMs: 1_001 }],
    ["calls", { maxCalls: 100 }, { maxCalls: 101 }],
    ["memory", { maxRssBytes: 999 }, { maxRssBytes: 1_000 }],
    ["lag", { maxLagMs: 49 }, { maxLagMs: 50 }],
  ])("is %s when that limit is reached", (reason, reached, notReached) => {
    expect(recycleReason({ ...never, ...reached }, worn, 0)).toBe(reason);
    expect(recycleReason({ ...never, ...notReached }, worn, 0)).toBeUndefined();
  });

  it("comes up to 10 % earlier for age and calls, so that workers which started together are not due together", () => {
    for (const limits of [{ maxAgeMs: 1_050 }, { maxCalls: 105 }]) {
      expect(recycleReason({ ...never, ...limits }, worn, 0.2)).toBeUndefined();
      expect(recycleReason({ ...never, ...limits }, worn, 0.8)).toBeDefined();
    }
  });

  it("scenario 31: is not memory that was not measured, nor that of a worker that has run nothing", () => {
    const limits = { ...never, maxRssBytes: 1, maxLagMs: 1_000 };
    expect(recycleReason(limits, { ...worn, health: undefined }, 0)).toBeUndefined();
    expect(recycleReason(limits, { ...worn, health: { lagMs: 0, rssBytes: null } }, 0)).toBeUndefined();
    expect(recycleReason(limits, { ...worn, calls: 0 }, 0)).toBeUndefined();
  });
});
