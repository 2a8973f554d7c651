import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

// That the example runs is shown by examples.test.ts.
describe("the README", () => {
  it("shows docs/examples/first-program.ts as it is, in at most 40 lines", () => {
    const example = read("docs/examples/first-program.ts");
    expect(read("README.md")).toContain(`\`\`\`ts\n${example}\`\`\``);
    expect(example.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
  });
});
