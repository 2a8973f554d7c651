import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import type { Measured } from "./row.ts";
import { quantile, verdict } from "./statistics.ts";

/** `row · ours · peer · ratio [quartiles] · bar · verdict`, as cells. */
export function cells({ row, ours, peer, ratios }: Measured): string[] {
  const bar =
    row.bar === undefined
      ? "—"
      : `${row.bar.at === "least" ? "≥" : "≤"} ${row.bar.ratio}${row.peer ? " ×" : ` ${row.unit}`}`;
  const relative = row.peer === undefined && row.bar !== undefined ? { at: row.bar.at, ratio: 1 } : row.bar;
  return [
    row.name,
    `${row.ours.name} ${amount(quantile(ours, 0.5))} ${row.unit}`,
    row.peer === undefined ? "—" : `${row.peer.name} ${amount(quantile(peer, 0.5))} ${row.unit}`,
    `${amount(quantile(ratios, 0.5))} [${amount(quantile(ratios, 0.25))}–${amount(quantile(ratios, 0.75))}]`,
    bar,
    verdict(ratios, relative),
  ];
}

function amount(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

const header = "| row | ours | peer | ratio [quartiles] | bar | verdict |\n|---|---|---|---|---|---|";

/** Rewrites the sections of the groups that ran, and leaves the others as they are. */
export function rewriteReport(file: string, groups: ReadonlyMap<string, readonly Measured[]>): void {
  let text = readFileSync(file, "utf8");
  for (const [group, rows] of groups) {
    const body = [
      `<!-- ${group} -->`,
      `## ${group}`,
      "",
      `${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"} · Node ${process.versions.node} · processes placed by the system`,
      "",
      header,
      ...rows.map((measured) => `| ${cells(measured).join(" | ")} |`),
      `<!-- /${group} -->`,
    ].join("\n");
    const section = new RegExp(`<!-- ${group} -->[^]*<!-- /${group} -->`);
    text = section.test(text) ? text.replace(section, () => body) : `${text.trimEnd()}\n\n${body}\n`;
  }
  writeFileSync(file, text);
}
