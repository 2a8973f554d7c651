import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { transform } from "@swc/core";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");

describe("@dspex/supervisors in an empty project", () => {
  let project: string;
  beforeAll(async () => {
    project = await mkdtemp(path.join(tmpdir(), "dspex-package-"));
    const { bin } = JSON.parse(
      await readFile(path.join(root, "node_modules/typescript/package.json"), "utf8"),
    ) as { bin: { tsc: string } };
    await run(process.execPath, [path.join(root, "node_modules/typescript", bin.tsc), "-b", "supervisors"], {
      cwd: root,
    });
    await run(
      "npm",
      ["pack", "-w", "@dspex/core", "-w", "@dspex/supervisors", "--pack-destination", project],
      { cwd: root },
    );
    await writeFile(path.join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
    const tarballs = (await readdir(project)).filter((file) => file.endsWith(".tgz"));
    await run(
      "npm",
      ["install", "--prefer-offline", "--no-audit", "--no-fund", ...tarballs.map((file) => `./${file}`)],
      {
        cwd: project,
      },
    );
  }, 60_000);
  afterAll(() => rm(project, { recursive: true, force: true }));

  it("supervises a machine in 20 lines", async () => {
    const file = "supervise-a-machine.ts";
    const source = await readFile(path.join(root, "docs/examples", file), "utf8");
    expect(
      source.split("\n").filter((line) => line !== "" && !line.startsWith("//")).length,
    ).toBeLessThanOrEqual(20);
    const { code } = await transform(source, {
      jsc: { target: "es2022", parser: { syntax: "typescript" } },
      module: { type: "es6" },
    });
    await writeFile(path.join(project, "example.js"), code);
    const { stdout } = await run(process.execPath, ["example.js"], { cwd: project });
    expect(stdout).toBe("started\nchild_terminated\nstarted\n{ total: 5 }\n");
  });

  it("brings no dependency but xstate and nanoid", async () => {
    const installed = await readdir(path.join(project, "node_modules"));
    expect(installed.filter((name) => !name.startsWith(".")).sort()).toEqual(["@dspex", "nanoid", "xstate"]);
    expect((await readdir(path.join(project, "node_modules/@dspex"))).sort()).toEqual([
      "core",
      "supervisors",
    ]);
  });

  it("has types that a strict project takes, and a testing kit beside it", async () => {
    await mkdir(path.join(project, "src"));
    await writeFile(
      path.join(project, "src/use.ts"),
      `import { DspexError } from "@dspex/core";
      import { server, startApplication, type Application, type Reply } from "@dspex/supervisors";
      import { createManualClock, createRecorder } from "@dspex/supervisors/testing";
      type Message = { type: "get"; reply: Reply<number> };
      const logic = server<number, Message>({ init: () => 1, receive: (n, { reply }) => (reply.resolve(n), n) });
      export const app: Promise<Application> = startApplication({ children: [{ id: "a", start: () => logic }] });
      export const recorder = createRecorder(createManualClock());
      export const full = (error: unknown): number | undefined =>
        DspexError.is(error, "ERR_MAILBOX_FULL") ? error.details.limit : undefined;
      // @ts-expect-error a restart type that does not exist
      void startApplication({ children: [{ id: "a", start: () => logic, restart: "always" }] });
      `,
    );
    const options = { strict: true, noEmit: true, module: "nodenext", target: "es2022", types: [] };
    await writeFile(
      path.join(project, "tsconfig.json"),
      JSON.stringify({ compilerOptions: options, include: ["src"] }),
    );
    const compiler = path.join(root, "node_modules/.bin/tsc");
    const { stdout } = await run(compiler, ["-p", project]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe("");
  });
});
