import { parseArgs } from "node:util";
import { messageOf } from "@dspex/core";
import { readCases, type Case } from "./cases.ts";
import { differenceOf } from "./compare.ts";

const recorded = new URL("cases.jsonl.gz", import.meta.url);

/**
 * `otp [--cases FILE.jsonl[.gz]]`: plays the cases of a file, those of the project by default. Prints the first difference
 * step by step, and last how many cases went the same way.
 *
 * @returns 0 when all did, 1 when one did not, 2 when there was nothing to play.
 */
export async function runOtp(args: string[]): Promise<number> {
  let cases: readonly Case[];
  try {
    const { values } = parseArgs({ args, options: { cases: { type: "string" } } });
    cases = readCases(values.cases ?? recorded);
  } catch (error) {
    console.error(messageOf(error));
    return 2;
  }
  let different = 0;
  for (const each of cases) {
    const difference = await differenceOf(each);
    if (difference === undefined) continue;
    different += 1;
    if (different === 1) console.log(difference);
  }
  console.log(`${cases.length - different} same, ${different} different`);
  return different === 0 ? 0 : 1;
}
