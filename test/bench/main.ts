import path from "node:path";
import { bridge } from "./groups/bridge.ts";
import { call } from "./groups/call.ts";
import { pipelines } from "./groups/pipelines.ts";
import { pool } from "./groups/pool.ts";
import { predict } from "./groups/predict.ts";
import { promises } from "./groups/promises.ts";
import { stream } from "./groups/stream.ts";
import { supervisors } from "./groups/supervisors.ts";
import { measureRow } from "./pairs.ts";
import { cells, rewriteReport } from "./report.ts";
import type { Group, Measured, Trial } from "./row.ts";

const groups: readonly (Group | Trial)[] = [
  call,
  stream,
  bridge,
  predict,
  pool,
  promises,
  pipelines,
  supervisors,
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !groups.some((group) => group.name === name));
if (asked.length === 0 || unknown.length > 0) {
  console.error(
    `Usage: npm run bench -- <group> […]; the groups are: ${groups.map(({ name }) => name).join(", ")}.`,
  );
  process.exit(2);
}

const print = (result: Measured): void => console.log(cells(result).join(" · "));

const measured = new Map<string, readonly Measured[]>();
for (const group of groups.filter(({ name }) => asked.includes(name))) {
  if ("run" in group) {
    const { figures, summary } = await group.run();
    figures.forEach(print);
    console.log(summary);
    measured.set(group.name, figures);
    continue;
  }
  const { rows, stop } = await group.start();
  const results: Measured[] = [];
  for (const row of rows) {
    const result = await measureRow(row);
    results.push(result);
    print(result);
  }
  await stop();
  measured.set(group.name, results);
}
rewriteReport(path.join(import.meta.dirname, "../../docs/benchmarks.md"), measured);
