import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import { createOfflineServer } from "../../packages/dspex/src/demo/offline-server.ts";
import { runExample } from "../support/example.ts";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

describe("the README", () => {
  it("shows docs/examples/first-program.ts as it is, in at most 40 lines", () => {
    const example = read("docs/examples/first-program.ts");
    expect(read("README.md")).toContain(`\`\`\`ts\n${example}\`\`\``);
    expect(example.trimEnd().split("\n").length).toBeLessThanOrEqual(40);
  });

  it("runs its example", async () => {
    await using model = await createOfflineServer();
    const { status, stdout, stderr } = await runExample("first-program.ts", model);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^shipping [\d.]+\n/);
    expect(stdout).toMatch(/dspy\.worker-\d 1\n$/);
  }, 60_000);
});
