import { inspect } from "node:util";
import { integerOption } from "@dspex/core";
import { isErrorExit, type ExitReason } from "./exit-reason.ts";
import type { SupervisorReport } from "./report.ts";

export interface ReportFormat {
  /** One line, for logs that are searched; or several, with the stack of the cause, for people. @default "one" */
  readonly lines?: "one" | "many";
  /** How deep objects in a reason are shown. @default 3 */
  readonly depth?: number;
  /** The most characters of a reason; the rest is cut off, and an ellipsis says so. @default 1_000 */
  readonly maxChars?: number;
}

/** A report as text, as OTP's `logger_formatter` writes supervisor reports. */
export function formatReport(report: SupervisorReport, format: ReportFormat = {}): string {
  const { lines = "one" } = format;
  const depth = integerOption("depth", format.depth, { default: 3, min: 0 });
  const maxChars = integerOption("maxChars", format.maxChars, { default: 1_000, min: 1 });
  const fields: [name: string, value: string][] = [
    ["supervisor", report.path.join("/")],
    ["report", report.report],
  ];
  if ("child" in report) fields.push(["child", `${report.child}, start ${report.generation}`]);
  if ("limit" in report) fields.push(["mailbox", `${report.limit} messages, ${report.overflow}`]);
  if ("event" in report) fields.push(["event", report.event]);
  if ("reason" in report) fields.push(["reason", cut(reasonText(report.reason, lines, depth), maxChars)]);
  if (lines === "one") return fields.map(([name, value]) => `${name}: ${value}`).join("; ");
  const width = Math.max(...fields.map(([name]) => name.length)) + 2;
  return fields
    .map(([name, value]) => name.padEnd(width) + value.replaceAll("\n", `\n${" ".repeat(width)}`))
    .join("\n");
}

function reasonText(
  reason: ExitReason | "reached_max_restart_intensity",
  lines: "one" | "many",
  depth: number,
): string {
  if (typeof reason === "string") return reason;
  const [name, value] = isErrorExit(reason)
    ? (["error", reason.error] as const)
    : (["shutdown", reason.shutdown] as const);
  const text = inspect(value, { depth, breakLength: lines === "one" ? Infinity : 100 });
  return `${name}: ${lines === "one" ? text.split("\n")[0]! : text}`;
}

function cut(text: string, maxChars: number): string {
  return text.length > maxChars ? `${text.slice(0, maxChars - 1)}…` : text;
}
