import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

import { callBin } from "./in-node.ts";

describe("node modules of a clone", () => {
  const lock = `{\n  "lockfileVersion": 3 }\n`;
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "dspex-clone-"));
    await mkdir(join(root, "packages/room"), { recursive: true });
    await writeFile(join(root, "package.json"), `{ "workspaces": ["packages/*"] }`);
    await writeFile(join(root, "packages/room/package.json"), `{ "name": "room" }`);
    await writeFile(join(root, "package-lock.json"), lock);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  /** Puts this shell script in the place of npm. */
  const withNpm = async (script: string): Promise<NodeJS.ProcessEnv> => {
    await writeFile(join(root, "npm"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { npm_execpath: "", PATH: `${root}:${process.env["PATH"]}` };
  };
  const install = (env: NodeJS.ProcessEnv) =>
    callBin<{ code: string; remedy: string; log: string[] } | null>(
      "node-modules.mjs",
      "installNodeModules",
      [root],
      env,
    );
  const areCurrent = async () =>
    (await callBin<boolean>("node-modules.mjs", "nodeModulesAreCurrent", [root])).returned;
  const installs = `mkdir -p node_modules; echo '{}' > node_modules/.package-lock.json`;

  it("are installed once, and are stale when the lock file or a manifest changes", async () => {
    expect(await areCurrent()).toBe(false);
    const env = await withNpm(installs);
    for (const file of ["package-lock.json", "packages/room/package.json"]) {
      await install(env);
      expect(await areCurrent()).toBe(true);
      await writeFile(join(root, file), `{ "changed": true }`);
      expect(await areCurrent()).toBe(false);
    }
    await install(env);
    await rm(join(root, "node_modules/.package-lock.json"));
    expect(await areCurrent()).toBe(false);
  });

  it("leave the lock file as it was, byte for byte, when npm writes it anew", async () => {
    await install(await withNpm(`${installs}; echo '{}' > package-lock.json`));
    expect(await readFile(join(root, "package-lock.json"), "utf8")).toBe(lock);
    expect(await areCurrent()).toBe(true);
  });

  it("leave the lock file as it was when the install fails, and say why it did", async () => {
    const env = await withNpm(`rm package-lock.json; echo "npm error code ECONNREFUSED" >&2; exit 1`);
    expect((await install(env)).returned).toMatchObject({
      code: "ERR_NPM_OFFLINE",
      remedy: expect.stringMatching(/^Check the network/),
      log: ["npm error code ECONNREFUSED"],
    });
    expect(await readFile(join(root, "package-lock.json"), "utf8")).toBe(lock);
    expect(await areCurrent()).toBe(false);
  });
});
