import { describe, expect, it } from "@jest/globals";
import { readCases } from "../../conformance/otp/cases.ts";
import { firstDifference } from "../../conformance/otp/compare.ts";
import { scaled, testSeed } from "../../support/scale.ts";
import { differenceOf } from "./difference-of.ts";
import { generate } from "./generate.ts";
import { playOnModel } from "./recorded.ts";
import type { Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

describe("a model of OTP's supervisors", () => {
  it("G7: does what the real ones did in the 2,000 recorded runs", () => {
    const cases = readCases(new URL("../../conformance/otp/cases.jsonl.gz", import.meta.url));
    const differences = cases.flatMap((recorded) => firstDifference(recorded, playOnModel(recorded)) ?? []);
    expect(cases).toHaveLength(2_000);
    expect(differences).toEqual([]);
  });

  const first = testSeed();
  it(
    `G7: what it does, the package does, in random trees to which anything happens (from seed ${first})`,
    async () => {
      for (let seed = first; seed < first + scaled(2_000); seed += 1) {
        const scenario = generate(seed);
        if (await differs(scenario)) throw new Error(await explained(seed, scenario));
      }
    },
    scaled(60_000),
  );
});

async function differs(scenario: Scenario): Promise<boolean> {
  return (await differenceOf(scenario)) !== undefined;
}

async function explained(seed: number, scenario: Scenario): Promise<string> {
  const smallest = await shrink(scenario, differs, 20_000);
  return [
    `DSPEX_TEST_SEED=${seed} npm test -- test/supervisors/model plays this again. What is left of it:`,
    await differenceOf(smallest),
  ].join("\n");
}
