/** What starting a runtime can fail with, beside what its rooms report. */
export interface RuntimeErrorCodes {
  /** There is no Python environment for this version's lock file. */
  ERR_PYTHON_ENVIRONMENT: { readonly remedy: string };
  /** The supervision tree gave up before the runtime was up, or before a pool was rolled out. */
  ERR_RUNTIME_STOPPED: { readonly runId: string };
}

declare module "@dspex/core" {
  interface ErrorCodes extends RuntimeErrorCodes {}
}
