import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";

const root = path.resolve(import.meta.dirname, "../..");

const read = (directory: string, wanted: RegExp): string[] =>
  readdirSync(path.join(root, directory), { recursive: true, encoding: "utf8" })
    .filter((name) => wanted.test(name) && !/node_modules|\bdist\b/.test(name))
    .map((name) => readFileSync(path.join(root, directory, name), "utf8"));

const tests = [...read("test", /\.test\.ts$/), ...read("python-bridge/tests", /^test_\w+\.py$/)].join("\n");

describe("what is promised by name", () => {
  it("scenario 38: every telemetry event of the catalogue is seen by a test", () => {
    const catalogue = read("packages", /src\/events\.ts$/).flatMap((source) =>
      [...source.matchAll(/^ {2}"([\w.]+)":/gm)].map((match) => match[1]!),
    );
    expect(catalogue.length).toBeGreaterThan(15);
    expect(catalogue.filter((name) => !tests.includes(`"${name}"`))).toEqual([]);
  });

  it("every scenario of a hostile process table has a test that names it", () => {
    // 26 is of the store, 14 of the supervisors (F4–F6 there), 39 of the learner.
    const numbers = Array.from({ length: 38 }, (_, index) => index + 1).filter((n) => n !== 26 && n !== 14);
    const named = new Set(
      [...tests.matchAll(/scenarios? (\d+(?:(?:, | and )\d+)*)/g)].flatMap((match) =>
        match[1]!.split(/, | and /).map(Number),
      ),
    );
    expect(numbers.filter((n) => !named.has(n))).toEqual([]);
  });
});
