#!/usr/bin/env node
import { nodeProblem } from "./node-version.mjs";

const problem = nodeProblem();
if (problem === undefined) {
  const { main } = await import("./command-line.mjs");
  await main(process.argv.slice(2));
} else {
  console.error(`✗ ${problem.problem}\n  → ${problem.remedy}`);
  process.exitCode = 1;
}
