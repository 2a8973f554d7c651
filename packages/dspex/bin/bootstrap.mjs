// `npm run demo` and `npm test` on a fresh clone: makes what is missing, then runs. A second run finds all there.
import { fileURLToPath } from "node:url";

import { nodeProblem } from "./node-version.mjs";

const [command, ...args] = process.argv.slice(2);

const commands = {
  async demo() {
    const { prepare } = await import("./prepare.mjs");
    if ((await prepare()) === undefined) return;
    // In this process: a kill of the one Node process must be a kill of the demo.
    const { register } = await import("tsx/esm/api");
    register();
    const main = new URL("../src/demo/main.ts", import.meta.url);
    process.argv = [process.argv[0], fileURLToPath(main), ...args];
    await import(main.href);
  },
  async test() {
    const { prepare, ROOT } = await import("./prepare.mjs");
    const environment = await prepare({ groups: ["test"] });
    if (environment === undefined) return;
    const { runTests } = await import("./run-tests.mjs");
    process.exitCode = await runTests({ root: ROOT, python: environment.python, args });
  },
};

const problem = nodeProblem();
if (problem !== undefined) {
  console.error(`✗ ${problem.problem}\n  → ${problem.remedy}`);
  process.exitCode = 1;
} else if (Object.hasOwn(commands, command)) {
  await commands[command]();
} else {
  console.error("Usage: node --conditions=@dspex/source bootstrap.mjs <demo|test> [arguments]");
  process.exitCode = 2;
}
