import { DspexError } from "@dspex/core";
import { findEnvironment } from "@dspex/python-bridge/environment";

/** @returns the Python of the environment that `npx dspex setup` made for this version's lock file. */
export function defaultInterpreter(): string {
  const environment = findEnvironment();
  if (environment !== undefined) return environment.python;
  const remedy = "Run `npx dspex setup`, or name an interpreter that has DSPy with pools.<name>.python.";
  throw new DspexError(
    "ERR_PYTHON_ENVIRONMENT",
    `There is no Python environment for this version of DSPex. ${remedy}`,
    {
      details: { remedy },
    },
  );
}
