import { runOtp } from "./otp/main.ts";

/** The suites by name. Each takes its own arguments and gives the exit code. */
const suites: Readonly<Record<string, (args: string[]) => Promise<number>>> = { otp: runOtp };

const [name = "", ...args] = process.argv.slice(2);
const suite = suites[name];
if (suite === undefined) {
  console.error(`Unknown suite "${name}". There are: ${Object.keys(suites).join(", ")}.`);
  process.exitCode = 2;
} else {
  process.exitCode = await suite(args);
}
