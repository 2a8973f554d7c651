import { formatReport, type SupervisorReport } from "@dspex/supervisors";
import { describe, expect, it } from "@jest/globals";

const terminated = (error: unknown): SupervisorReport => ({
  report: "child_terminated",
  path: ["shop", "s"],
  child: "a",
  generation: 3,
  reason: { error },
});

describe("F11.92 a report as text", () => {
  it("is one line by default", () => {
    expect(formatReport(terminated(new Error("boom")))).toBe(
      "supervisor: shop/s; report: child_terminated; child: a, start 3; reason: error: Error: boom",
    );
    expect(
      formatReport({
        report: "shutdown",
        path: ["shop"],
        child: "a",
        generation: 1,
        reason: "reached_max_restart_intensity",
      }),
    ).toBe("supervisor: shop; report: shutdown; child: a, start 1; reason: reached_max_restart_intensity");
    expect(
      formatReport({
        report: "mailbox_full",
        path: ["shop"],
        child: "a",
        generation: 1,
        limit: 3,
        overflow: "exit",
      }),
    ).toBe("supervisor: shop; report: mailbox_full; child: a, start 1; mailbox: 3 messages, exit");
    expect(formatReport({ report: "unexpected_message", path: ["shop"], event: "hello" })).toBe(
      "supervisor: shop; report: unexpected_message; event: hello",
    );
  });

  it("is several lines for people, with the stack of the cause", () => {
    const lines = formatReport(terminated(new Error("boom")), { lines: "many" }).split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "supervisor  shop/s",
      "report      child_terminated",
      "child       a, start 3",
      "reason      error: Error: boom",
    ]);
    expect(lines[4]).toMatch(/^ {16}at .*report-text\.test\.ts/);
  });

  it("is limited in depth and in characters", () => {
    const deep = { a: { b: { c: { d: 1 } } } };
    expect(formatReport(terminated(deep), { depth: 1 })).toContain("error: { a: { b: [Object] } }");
    const long = formatReport(terminated("x".repeat(10_000)), { maxChars: 20 });
    expect(long.slice(long.indexOf("reason: ") + 8)).toBe("error: 'xxxxxxxxxxx…");
    expect(() => formatReport(terminated(1), { maxChars: 0 })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
    );
  });
});
