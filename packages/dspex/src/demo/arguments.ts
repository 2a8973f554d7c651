import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { integerOption, invalidOption, messageOf } from "@dspex/core";

export interface DemoArguments {
  /** A JSONL file of tickets. */
  readonly input: string;
  readonly workers: number;
  readonly json: boolean;
}

export const usage = "Usage: npm run demo -- [--input file.jsonl] [--workers n] [--json]";

const bundled = fileURLToPath(new URL("tickets.jsonl", import.meta.url));

/** @throws DspexError `ERR_INVALID_OPTION` naming the flag and its value. */
export function parseDemoArguments(args: readonly string[]): DemoArguments {
  const { input = bundled, workers, json = false } = parse(args);
  if (!existsSync(input)) throw invalidOption("--input", input, "a file that exists");
  return {
    input,
    workers: integerOption("--workers", workers === undefined ? undefined : Number(workers), {
      default: Math.max(2, Math.min(4, availableParallelism())),
      min: 1,
    }),
    json,
  };
}

function parse(args: readonly string[]) {
  const options = {
    input: { type: "string" },
    workers: { type: "string" },
    json: { type: "boolean" },
  } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw invalidOption("arguments", args.join(" "), `as the usage says (${messageOf(error)})`);
  }
}
