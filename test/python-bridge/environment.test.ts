import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { inspect } from "node:util";

import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { DspexError } from "@dspex/core";
import {
  ensureEnvironment,
  environmentsRoot,
  findEnvironment,
  findPython,
  type SetUpEvent,
} from "@dspex/python-bridge/environment";

jest.setTimeout(30_000);

const environmentModule = new URL("../../python-bridge/environment/index.mjs", import.meta.url).href;

let scratch: string;
let directories = 0;

const directory = async (): Promise<string> => {
  const path = join(scratch, String((directories += 1)));
  await mkdir(path);
  return path;
};

const code = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "fulfilled",
    (error: unknown) => (DspexError.is(error) ? error.code : `not ours: ${String(error)}`),
  );

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "dspex-environment-"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

describe("finding Python", () => {
  /** A PATH that holds these programs alone, each a shell script. */
  const path = async (programs: Record<string, string>): Promise<string> => {
    const bin = await directory();
    for (const [name, script] of Object.entries(programs)) {
      await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    return bin;
  };
  const python = (version: string, hasVenv = true): string =>
    `echo '${JSON.stringify({ executable: "/opt/python", version, hasVenv, lendsPip: true })}'`;

  it("takes the first candidate that runs and is new enough, and keeps a log of why the others were refused", async () => {
    const PATH = await path({
      python3: `echo "pyenv: python3: command not found" >&2; exit 127`,
      python: python("2.7.18"),
      "python3.13": "echo hello",
      "python3.12": python("3.12.4"),
    });
    const found = await findPython({ env: { PATH } });
    expect(found).toMatchObject({ executable: "/opt/python", version: "3.12.4", uv: false });
    expect(found.attempts.map(({ command, refused }) => [command, refused])).toEqual([
      ["python3", "pyenv: python3: command not found"],
      ["python", "is Python 2.7.18"],
      ["python3.13", `answered "hello\\n", not as Python does`],
      ["python3.12", undefined],
    ]);
  });

  it("prefers the Python of an active virtual environment", async () => {
    const active = await directory();
    await mkdir(join(active, "bin"));
    await writeFile(join(active, "bin", "python"), `#!/bin/sh\n${python("3.13.1")}\n`, { mode: 0o755 });
    const env = { PATH: await path({ python3: python("3.12.4") }), VIRTUAL_ENV: active };
    expect(await findPython({ env })).toMatchObject({ version: "3.13.1" });
  });

  it.each(["3.10.14", "3.16.0"])("refuses Python %s, and says what was tried", async (version) => {
    const failure = findPython({ env: { PATH: await path({ python3: python(version) }) } });
    await expect(failure).rejects.toMatchObject({
      code: "ERR_PYTHON_NOT_FOUND",
      message: expect.stringMatching(/^No Python ≥3\.11,<3\.16 was found\.\nInstall one .*DSPEX_PYTHON=/),
      log: expect.arrayContaining([`python3: is Python ${version}`, "python: not found"]),
    });
  });

  it("says how to add venv to a Python that lacks it", async () => {
    const failure = findPython({ env: { PATH: await path({ python3: python("3.12.4", false) }) } });
    await expect(failure).rejects.toMatchObject({
      code: "ERR_PYTHON_VENV_MISSING",
      remedy: expect.stringMatching(/venv/),
    });
  });

  it("takes a Python without venv where uv makes the environment", async () => {
    const PATH = await path({ python3: python("3.12.4", false), uv: "exit 0" });
    expect(await findPython({ env: { PATH } })).toMatchObject({ version: "3.12.4", uv: true });
  });

  it("asks uv for a Python when the PATH has none", async () => {
    const managed = await path({ python: python("3.13.0") });
    const PATH = await path({ uv: `[ "$1" = python ] && echo ${managed}/python; exit 0` });
    expect(await findPython({ env: { PATH } })).toMatchObject({ version: "3.13.0" });
  });

  it("considers no other Python than the one that was named", async () => {
    const PATH = await path({ python3: python("3.12.4") });
    const failure = findPython({ env: { PATH, DSPEX_PYTHON: "/nowhere/python" } });
    await expect(failure).rejects.toMatchObject({
      code: "ERR_PYTHON_NOT_FOUND",
      problem: "DSPEX_PYTHON names /nowhere/python, which cannot be used: not found.",
    });
    expect(
      await findPython({ env: { PATH, DSPEX_PYTHON: "/nowhere/python" }, python: "python3" }),
    ).toMatchObject({
      version: "3.12.4",
    });
  });
});

describe("the environment", () => {
  const imports = ["standin"];
  let lockFile: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    const wheels = await directory();
    const { executable } = await findPython();
    const locked = await directory();
    lockFile = join(locked, "requirements.lock");
    await writeFile(lockFile, await wheel(executable, wheels, "standin"));
    await writeFile(join(locked, "requirements-extra.lock"), await wheel(executable, wheels, "extra"));
    env = {
      ...process.env,
      DSPEX_PYTHON: executable,
      PIP_CONFIG_FILE: "/dev/null",
      PIP_NO_INDEX: "1",
      PIP_FIND_LINKS: wheels,
      PIP_RETRIES: "0",
      UV_OFFLINE: "1",
      UV_FIND_LINKS: wheels,
    };
  });
  beforeEach(async () => {
    env = { ...env, DSPEX_HOME: await directory() };
  });

  it("is made once, and then found without a step", async () => {
    expect(findEnvironment({ lockFile, env })).toBeUndefined();
    const steps: string[] = [];
    const onProgress = ({ step, state }: SetUpEvent) => state === "finished" && steps.push(step);
    const environment = await ensureEnvironment({ lockFile, imports, env, onProgress });
    expect(steps).toEqual(["python", "environment", "packages", "verify"]);
    expect(environment.packages).toEqual({ standin: "1.0" });
    expect(findEnvironment({ lockFile, env })).toEqual(environment);
    expect(await ensureEnvironment({ lockFile, imports, env, onProgress })).toEqual(environment);
    expect(steps).toHaveLength(4);
  });

  it("takes a locked group into itself, and is not found with the group before", async () => {
    const environment = await ensureEnvironment({ lockFile, imports, env });
    const groups = ["extra"];
    expect(findEnvironment({ lockFile, env, groups })).toBeUndefined();
    expect(await ensureEnvironment({ lockFile, imports, env, groups })).toEqual(environment);
    expect(findEnvironment({ lockFile, env, groups })).toEqual(environment);
    expect(await succeeds(environment.python, ["-c", "import standin, extra"])).toBe(true);
  });

  it("knows the groups there are", async () => {
    await expect(ensureEnvironment({ lockFile, env, groups: ["other"] })).rejects.toMatchObject({
      code: "ERR_PYTHON_GROUP_UNKNOWN",
      message: `There is no group "other".\nName one of: extra.`,
    });
  });

  it("is made again after a set-up that was killed", async () => {
    const killed = setUpInChild(
      `if (step === "packages" && state === "finished") process.kill(process.pid, "SIGKILL");`,
    );
    expect((await killed.ended).signal).toBe("SIGKILL");
    expect(await readdir(environmentsRoot(env))).toHaveLength(2); // half an environment and the lock of the dead
    expect(findEnvironment({ lockFile, env })).toBeUndefined();
    const environment = await ensureEnvironment({ lockFile, imports, env });
    expect(findEnvironment({ lockFile, env })).toEqual(environment);
    expect(await readdir(environmentsRoot(env))).toEqual([environment.key]);
  });

  it("is made by one of two parallel set-ups, while the other waits and says so", async () => {
    const first = setUpInChild(
      `if (step === "environment" && state === "started") process.kill(process.pid, "SIGSTOP");`,
    );
    await first.comesTo("environment");
    const second = setUpInChild();
    await second.comesTo("wait");
    first.child.kill("SIGCONT");
    const [made, waited] = await Promise.all([first.ended, second.ended]);
    expect([made.status, waited.status]).toEqual([0, 0]);
    expect(made.steps).toContain("packages");
    expect(waited.steps).not.toContain("packages");
  });

  it("leaves neither lock nor stamp behind when it is stopped", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const stopped = ensureEnvironment({
      lockFile,
      imports,
      env,
      signal: stop.signal,
      onProgress: ({ step }) => step === "packages" && stop.abort(reason),
    });
    await expect(stopped).rejects.toBe(reason);
    expect((await readdir(environmentsRoot(env))).filter((name) => name.includes("lock"))).toEqual([]);
    expect(findEnvironment({ lockFile, env })).toBeUndefined();
  });

  it("is not used when another Python has come behind its link", async () => {
    const environment = await ensureEnvironment({ lockFile, imports, env });
    await rm(environment.python);
    await symlink("/bin/sh", environment.python);
    expect(findEnvironment({ lockFile, env })).toBeUndefined();
    expect(await ensureEnvironment({ lockFile, imports, env })).toEqual(environment);
  });

  it("tells an index that cannot be reached from other failures, and G11: hides its password", async () => {
    const index = `http://user:canary@127.0.0.1:${await closedPort()}/simple`;
    const { PIP_NO_INDEX: _index, UV_OFFLINE: _offline, ...online } = env;
    const addresses = {
      PIP_INDEX_URL: index,
      UV_DEFAULT_INDEX: index,
      PIP_FIND_LINKS: "",
      UV_FIND_LINKS: "",
    };
    const events: SetUpEvent[] = [];
    const offline: unknown = await ensureEnvironment({
      lockFile,
      imports,
      env: { ...online, ...addresses, UV_HTTP_RETRIES: "0" },
      onProgress: (event) => events.push(event),
    }).catch((error: unknown) => error);
    expect(offline).toMatchObject({
      code: "ERR_PYTHON_OFFLINE",
      message: expect.stringMatching(/^The package index .*\nCheck .*$/),
    });
    expect(inspect([offline, events], { depth: null })).not.toContain("canary");

    const tampered = join(await directory(), "requirements.lock");
    await writeFile(
      tampered,
      (await readFile(lockFile, "utf8")).replace(/sha256:.*/, `sha256:${"0".repeat(64)}`),
    );
    expect(await code(ensureEnvironment({ lockFile: tampered, imports, env }))).toBe(
      "ERR_PYTHON_INSTALL_FAILED",
    );
  });

  it("does not count as made before what it is for can be imported", async () => {
    expect(await code(ensureEnvironment({ lockFile, imports: ["absent"], env }))).toBe(
      "ERR_PYTHON_ENVIRONMENT_BROKEN",
    );
    expect(findEnvironment({ lockFile, env })).toBeUndefined();
  });

  it("says so when the cache cannot be written", async () => {
    expect(await code(ensureEnvironment({ lockFile, imports, env: { ...env, DSPEX_HOME: lockFile } }))).toBe(
      "ERR_PYTHON_CACHE_UNWRITABLE",
    );
  });

  /** `ensureEnvironment` in a process of its own; `onEvent` is the body of a function of `{ step, state }` in it. */
  function setUpInChild(onEvent = "") {
    const script = `
      import { writeSync } from "node:fs";
      import { ensureEnvironment } from ${JSON.stringify(environmentModule)};
      const onProgress = ({ step, state }) => {
        writeSync(1, JSON.stringify({ step, state }) + "\\n");
        ${onEvent}
      };
      await ensureEnvironment({ lockFile: ${JSON.stringify(lockFile)}, imports: ["standin"], onProgress });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const steps: string[] = [];
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => steps.push((JSON.parse(line) as SetUpEvent).step));
    const comesTo = async (step: string): Promise<void> => {
      while (!steps.includes(step)) await once(lines, "line");
    };
    const ended = once(child, "close").then(([status, signal]) => ({ status, signal, steps }));
    return { child, comesTo, ended };
  }
});

/** Makes a wheel with one empty module of that name, and returns the line that locks it. */
async function wheel(python: string, into: string, name: string): Promise<string> {
  const file = join(into, `${name}-1.0-py3-none-any.whl`);
  const script = `
import sys, zipfile
file, name = sys.argv[1:]
info = name + "-1.0.dist-info/"
with zipfile.ZipFile(file, "w") as wheel:
    wheel.writestr(name + ".py", "")
    wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: " + name + "\\nVersion: 1.0\\n")
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(info + "RECORD", name + ".py,,\\n" + "".join(info + f + ",,\\n" for f in ("METADATA", "WHEEL", "RECORD")))
`;
  expect(await succeeds(python, ["-c", script, file, name])).toBe(true);
  const hash = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  return `${name}==1.0 \\\n    --hash=sha256:${hash}\n`;
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  const [status] = await once(spawn(command, args, { stdio: "inherit" }), "close");
  return status === 0;
}

/** A port of the loopback address on which nobody listens: it was given out, and given back, a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
