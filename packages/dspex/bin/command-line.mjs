import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { examine, formatChecks } from "./doctor.mjs";
import { attended, setUpEnvironment } from "./prepare.mjs";

const HELP = `Usage: dspex <command> [options]

  setup    make the Python environment that workers run in
             --with GROUP     add a locked group, may be given again
             --python PATH    make it from this Python (or set DSPEX_PYTHON)
  doctor   check everything that DSPex needs, with the remedy for what is wrong
             --json           one object on stdout

  --help, --version

Environments live in DSPEX_HOME, else XDG_CACHE_HOME/dspex, else ~/.cache/dspex.
PIP_* and UV_* settings are honoured. Exit codes: 0 well, 1 something is wrong, 2 wrong usage.
`;

const commands = {
  setup: { options: { with: { type: "string", multiple: true }, python: { type: "string" } }, run: setup },
  doctor: { options: { json: { type: "boolean" } }, run: doctor },
};

/** Runs the command line and sets the exit code. */
export async function main([name, ...args]) {
  if (name === undefined || name === "--help" || name === "-h") return print(HELP);
  if (name === "--version" || name === "-v") return print(`${version()}\n`);
  if (!Object.hasOwn(commands, name)) return wrongUsage(`Unknown command "${name}".`);
  const { options, run } = commands[name];
  let values;
  try {
    ({ values } = parseArgs({ args, options: { ...options, help: { type: "boolean", short: "h" } } }));
  } catch (error) {
    return wrongUsage(`dspex ${name}: ${error.message.split(". ")[0]}.`);
  }
  return values.help ? print(HELP) : run(values);
}

async function setup({ with: groups, python }) {
  const environment = await attended((attendance) => setUpEnvironment({ groups, python, ...attendance }));
  if (environment === undefined) return;
  const rows = { python: `${environment.version}  ${environment.python}`, ...environment.packages };
  if (groups !== undefined) rows.groups = groups.join(", ");
  for (const [name, value] of Object.entries(rows)) print(`${name.padEnd(8)} ${value}\n`);
}

async function doctor({ json }) {
  const checks = await examine();
  const ok = checks.every(({ status }) => status !== "failed");
  const color = process.stdout.isTTY && !process.env.NO_COLOR;
  print(json ? `${JSON.stringify({ ok, checks })}\n` : formatChecks(checks, { color }));
  if (!ok) process.exitCode = 1;
}

function version() {
  return JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version;
}

function print(text) {
  process.stdout.write(text);
}

function wrongUsage(message) {
  process.stderr.write(`${message}\nRun dspex --help for what there is.\n`);
  process.exitCode = 2;
}
