/** What the errors of the set-up carry. Each has, beside its `message`, its lines as `problem` and `remedy`, and a `log`. */
export interface EnvironmentErrorCodes {
  /** No Python of a supported version could be run; `attempts` is the log of what was tried. */
  ERR_PYTHON_NOT_FOUND: { readonly attempts: readonly PythonAttempt[] };
  /** The Python that was found cannot make environments. */
  ERR_PYTHON_VENV_MISSING: InstallerDetails & { readonly attempts?: readonly PythonAttempt[] };
  /** The package index gave no answer, or had not what the lock file names. */
  ERR_PYTHON_OFFLINE: InstallerDetails;
  /** The installer failed for another reason. */
  ERR_PYTHON_INSTALL_FAILED: InstallerDetails;
  /** What the environment is for cannot be imported in it. */
  ERR_PYTHON_ENVIRONMENT_BROKEN: { readonly directory: string; readonly output: string };
  /** No lock file belongs to that group. */
  ERR_PYTHON_GROUP_UNKNOWN: { readonly group: string; readonly groups: readonly string[] };
  /** The cache directory cannot be made or written. */
  ERR_PYTHON_CACHE_UNWRITABLE: { readonly directory: string };
  /** A worker ended, or 30 s passed, before it answered HELLO with READY. */
  ERR_PYTHON_WORKER_BOOT: { readonly reason: string };
}

declare module "@dspex/core" {
  interface ErrorCodes extends EnvironmentErrorCodes {}
}

interface InstallerDetails {
  /** The command line that failed. */
  readonly command?: string;
  /** The last 4,000 characters of its output. */
  readonly output?: string;
}

/** One candidate on the way to a Python. */
export interface PythonAttempt {
  /** What was run: a path, or a name on the PATH. */
  readonly command: string;
  readonly source: "--python" | "DSPEX_PYTHON" | "VIRTUAL_ENV" | "PATH" | "uv python find";
  /** Absolute path, when it ran. */
  readonly executable?: string;
  readonly version?: string;
  /** Why it was not taken; absent on the one that was. */
  readonly refused?: string;
}

export interface FoundPython {
  /** Absolute path. */
  readonly executable: string;
  readonly version: string;
  /** Is uv there, to make and fill environments? */
  readonly uv: boolean;
  readonly attempts: readonly PythonAttempt[];
}

/** A Python environment that holds what the lock file says. */
export interface Environment {
  /** Absolute path of its interpreter. */
  readonly python: string;
  /** Short hash of lock file, Python version and platform; the name of its directory. */
  readonly key: string;
  readonly directory: string;
  /** The version of Python. */
  readonly version: string;
  /** The versions that were imported when it was made: `{ dspy: "3.4.1", msgspec: "0.22.0" }`. */
  readonly packages: Readonly<Record<string, string>>;
}

export interface PythonOptions {
  /** A path, or a name on the PATH: the only Python that is considered. @default env.DSPEX_PYTHON */
  readonly python?: string | undefined;
  /** The environment that candidates and installers run in; also names the cache directory. @default process.env */
  readonly env?: Readonly<NodeJS.ProcessEnv>;
}

export interface FindEnvironmentOptions extends PythonOptions {
  /** Locked groups that have to be there too, as `requirements-<group>.lock` beside the lock file. @default [] */
  readonly groups?: readonly string[];
  /** @default the lock file of this package */
  readonly lockFile?: string;
}

export interface EnsureEnvironmentOptions extends FindEnvironmentOptions {
  /** What has to be importable before an environment counts as made. @default ["dspy", "msgspec"] */
  readonly imports?: readonly string[];
  /** Stops the installer and rejects with the reason. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: SetUpEvent) => void;
}

export interface SetUpEvent {
  /** `python`, `environment`, `packages`, `verify`, `group <name>`; `wait` while another process sets up the same one. */
  readonly step: string;
  readonly state: "started" | "running" | "finished";
  /** One line for people. */
  readonly detail: string;
}

/**
 * The environment for the lock file, if it is there: a look at the stamps in the cache directory, without running
 * Python (about 1 ms). With `python` or DSPEX_PYTHON, only one that was made from it.
 *
 * @throws ERR_PYTHON_GROUP_UNKNOWN
 */
export function findEnvironment(options?: FindEnvironmentOptions): Environment | undefined;

/**
 * The environment for the lock file, made if it is not there. An interrupted set-up is redone, parallel ones wait for
 * each other.
 *
 * Environments live in `DSPEX_HOME`, else `XDG_CACHE_HOME/dspex`, else `~/.cache/dspex`. They are made and filled by uv
 * when it is there, else by venv and pip; every `PIP_*` and `UV_*` setting holds.
 *
 * @throws ERR_PYTHON_NOT_FOUND, ERR_PYTHON_VENV_MISSING, ERR_PYTHON_OFFLINE, ERR_PYTHON_INSTALL_FAILED,
 * ERR_PYTHON_ENVIRONMENT_BROKEN, ERR_PYTHON_GROUP_UNKNOWN, ERR_PYTHON_CACHE_UNWRITABLE
 */
export function ensureEnvironment(options?: EnsureEnvironmentOptions): Promise<Environment>;

/**
 * Imports what the environment is for, in it, and returns the versions found.
 *
 * @throws ERR_PYTHON_ENVIRONMENT_BROKEN
 */
export function verifyEnvironment(
  environment: Pick<Environment, "python" | "directory">,
  options?: Pick<EnsureEnvironmentOptions, "imports" | "env" | "signal">,
): Promise<Readonly<Record<string, string>>>;

/**
 * Starts a worker in the environment, waits for its READY and ends it; resolves with the milliseconds that took.
 *
 * @throws ERR_PYTHON_WORKER_BOOT
 */
export function bootWorker(
  environment: Pick<Environment, "python" | "directory">,
  options?: Pick<PythonOptions, "env">,
): Promise<number>;

/**
 * Has a zygote in the environment fork a worker, waits for its READY and ends both; resolves with the milliseconds that the fork took,
 * or with why workers are spawned here.
 */
export function forkWorker(
  environment: Pick<Environment, "python">,
  options?: Pick<PythonOptions, "env"> & { readonly platform?: NodeJS.Platform },
): Promise<{ readonly readyMs: number } | { readonly reason: string }>;

/**
 * Finds a Python ≥3.11,<3.16 by running each candidate: the one that was named, else that of VIRTUAL_ENV, the usual
 * names on the PATH, and what `uv python find` says.
 *
 * @throws ERR_PYTHON_NOT_FOUND, ERR_PYTHON_VENV_MISSING
 */
export function findPython(options?: PythonOptions & { readonly signal?: AbortSignal }): Promise<FoundPython>;

/** The attempts as lines for people. */
export function describeAttempts(attempts: readonly PythonAttempt[]): string[];

/** The directory that holds all environments. */
export function environmentsRoot(env?: Readonly<NodeJS.ProcessEnv>): string;

/** The directory in which each run has a file as long as it lives, beside that of the environments. */
export function runsRoot(env?: Readonly<NodeJS.ProcessEnv>): string;

/**
 * Makes the directory if need be, and makes sure that it can be written.
 *
 * @throws ERR_PYTHON_CACHE_UNWRITABLE
 */
export function writable(directory: string): Promise<void>;
