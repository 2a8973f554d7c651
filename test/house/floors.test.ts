import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";

/** The floors of the house, bottom up: a room may import the rooms of lower floors, and nobody of its own. */
const floors = [
  ["@dspex/core"],
  ["@dspex/supervisors"],
  ["@dspex/telemetry"],
  ["@dspex/store", "@dspex/python-bridge", "@dspex/signatures"],
  ["@dspex/pool", "@dspex/lm", "@dspex/variables"],
  ["@dspex/programs"],
  ["@dspex/sessions"],
  ["@dspex/pipelines", "@dspex/orchestrator"],
  ["@dspex/inspector"],
  ["dspex"],
];
const floorOf = (room: string): number => floors.findIndex((rooms) => rooms.includes(room));

/** The one way into a room besides its `index.ts`: the set-up of Python, which runs before anything is built. */
const otherEntries = new Set(["@dspex/python-bridge/environment"]);

const root = path.resolve(import.meta.dirname, "../..");

/** What is wrong with `imported` in a file of `room`; `undefined` when nothing is. */
function verdict(room: string, file: string, imported: string): string | undefined {
  if (imported.startsWith(".")) {
    const target = path.resolve(path.dirname(file), imported);
    const home = path.join(root, directories.get(room)!);
    return target.startsWith(home + path.sep) ? undefined : "reaches out of its room by path";
  }
  const [scope = "", name = ""] = imported.split("/");
  const target = scope === "@dspex" ? `${scope}/${name}` : scope;
  if (floorOf(target) === -1) return undefined;
  if (imported !== target && !otherEntries.has(imported)) return "reaches past an index.ts";
  return floorOf(target) < floorOf(room) ? undefined : "does not lead downwards";
}

const directories = new Map<string, string>();
for (const directory of [
  ...readdirSync(path.join(root, "packages")).map((name) => `packages/${name}`),
  "python-bridge",
  "supervisors",
]) {
  const manifest = JSON.parse(readFileSync(path.join(root, directory, "package.json"), "utf8")) as {
    name: string;
  };
  directories.set(manifest.name, directory);
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/^\s*(?:import|export)\b[^;]*?\bfrom\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm)].map(
    (match) => (match[1] ?? match[2])!,
  );
}

const sources = [...directories].flatMap(([room, directory]) =>
  readdirSync(path.join(root, directory, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => ({ room, file: path.join(root, directory, "src", name) })),
);

describe("the floors of the house", () => {
  it("knows every room that exists", () => {
    expect([...directories.keys()].filter((room) => floorOf(room) === -1)).toEqual([]);
  });

  it("lets imports run downwards only, through an index.ts", () => {
    const wrong = sources.flatMap(({ room, file }) =>
      importsOf(file).flatMap((imported) => {
        const problem = verdict(room, file, imported);
        return problem === undefined ? [] : [`${path.relative(root, file)}: "${imported}" ${problem}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("would see an import upwards, one within a floor, one past an index and one by path", () => {
    const file = path.join(root, "packages/pool/src/pool.ts");
    expect(verdict("@dspex/pool", file, "@dspex/programs")).toMatch(/downwards/);
    expect(verdict("@dspex/pool", file, "@dspex/lm")).toMatch(/downwards/);
    expect(verdict("@dspex/pool", file, "@dspex/core/src/errors.ts")).toMatch(/index/);
    expect(verdict("@dspex/pool", file, "../../core/src/errors.ts")).toMatch(/path/);
    expect(verdict("@dspex/pool", file, "@dspex/core")).toBeUndefined();
    expect(importsOf(file)).toContain("@dspex/core");
  });
});
