import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";

const root = path.resolve(import.meta.dirname, "../..");
const rooms = [
  ...readdirSync(path.join(root, "packages")).map((name) => `packages/${name}`),
  "python-bridge",
  "supervisors",
];
const sources = rooms
  .flatMap((room) => ["src", "bin", "environment"].map((directory) => path.join(root, room, directory)))
  .flatMap((directory) => {
    try {
      return readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) =>
        path.join(directory, name),
      );
    } catch {
      return [];
    }
  })
  .filter((file) => /\.m?ts$|\.mjs$/.test(file));

/** Codes that a catalogue declares, and those that the set-up throws before there is one. */
const declared = new Set(
  sources.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(/^\s*(ERR_[A-Z_]+): |"(ERR_NPM_[A-Z_]+)"/gm)].map(
      (match) => (match[1] ?? match[2])!,
    ),
  ),
);
const listed = new Set(
  [...readFileSync(path.join(root, "docs/errors.md"), "utf8").matchAll(/^\| `(ERR_[A-Z_]+)` \|/gm)].map(
    (match) => match[1]!,
  ),
);

describe("docs/errors.md", () => {
  it("lists every code that there is, and no other", () => {
    expect(declared.size).toBeGreaterThan(40);
    expect([...listed].sort()).toEqual([...declared].sort());
  });
});
