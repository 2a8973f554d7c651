import { choiceOption, integerOption, invalidOption, textOption, type Clock } from "@dspex/core";
import type { AnyActorLogic } from "xstate";
import { resolveMailbox, type MailboxLimits, type MailboxOptions } from "./mailbox.ts";
import type { Registry } from "./registry.ts";

/** When a child that ended is started again (OTP): always, only after an abnormal end, or never. */
export type Restart = "permanent" | "transient" | "temporary";

/**
 * How a child is stopped: asked with `{ type: "otp.shutdown" }` and killed after so many milliseconds, killed at once, or
 * asked and waited for without limit.
 */
export type Shutdown = number | "brutal_kill" | "infinity";

/** What a restart after a failure begins with: the initial state of the logic, or the last good snapshot of the one that failed. */
export type OnRestart = "reset" | "resume";

/** Whether the end of a significant child ends its supervisor: never, on the first one, or on the last one (OTP). */
export type AutoShutdown = "never" | "any_significant" | "all_significant";

/** What a child's `start` is told about the incarnation that it makes. */
export interface StartScope {
  /** The child's id in its supervisor. */
  readonly id: string;
  /** From the root down to and including this child. */
  readonly path: readonly string[];
  /** 1 for the first start of this child, and one more for each further attempt. */
  readonly generation: number;
  /** The names of the application. */
  readonly registry: Registry;
  /** The application's clock. Timers of this one are cancelled when the incarnation ends, and cost no other actor anything. */
  readonly clock: Clock;
  /**
   * Announces that this incarnation is initialised. Only a child with `startTimeoutMs` is waited for; for the others, and
   * when called again, it does nothing.
   */
  readonly ready: () => void;
}

/** What a child's `start` gives back: logic to run, logic with its input, or OTP's `ignore` (nothing to run, no failure). */
export type ChildStart =
  | AnyActorLogic
  | { readonly logic: AnyActorLogic; readonly input?: unknown }
  | "ignore";

/** How a supervisor starts, restarts and stops a child: OTP's child specification. */
export interface ChildSpec<Args extends readonly unknown[] = readonly []> {
  /** Unique in its supervisor. */
  readonly id: string;
  /** Makes the logic of a new incarnation. A throw is a failed start, and so is an actor that is in error once it is started. */
  readonly start: (scope: StartScope, ...args: Args) => ChildStart;
  /** @default "permanent" */
  readonly restart?: Restart;
  /** In milliseconds where it is a number. @default 5_000 for a worker, "infinity" for a supervisor */
  readonly shutdown?: Shutdown;
  /** @default "worker" */
  readonly type?: "worker" | "supervisor";
  /** Whether its end counts for the supervisor's `auto_shutdown`. @default false */
  readonly significant?: boolean;
  /** Registers each incarnation under this name. @default none */
  readonly name?: string;
  /** Each incarnation joins these groups of the registry. @default none */
  readonly groups?: readonly string[];
  /** How many messages may wait for it, and what happens to those beyond. @default 100,000, and the newest is dropped */
  readonly mailbox?: MailboxOptions;
  /**
   * What it begins with when it is restarted after a failure or a kill. It is stopped and started from scratch with its
   * siblings all the same, and so is a child whose logic has no snapshot to give. Not for supervisors. @default "reset"
   */
  readonly on_restart?: OnRestart;
  /**
   * With `on_restart: "resume"`: after so many resumes in a row, each of which crashed within the supervisor's `periodMs`, the
   * snapshot counts as poison and the child is reset. The supervisor's `intensity` has to leave room for that. @default 3
   */
  readonly max_resumes?: number;
  /**
   * When given, the child has started only once it called {@link StartScope.ready}; the next sibling waits for that, and
   * a child that is silent for this many milliseconds failed to start. A child supervisor is always waited for, without
   * limit unless this is given. @default none
   */
  readonly startTimeoutMs?: number;
}

/** A child specification with its defaults filled in. */
export interface ResolvedChildSpec {
  readonly id: string;
  readonly start: (scope: StartScope, ...args: readonly unknown[]) => ChildStart;
  readonly restart: Restart;
  readonly shutdown: Shutdown;
  readonly type: "worker" | "supervisor";
  readonly significant: boolean;
  readonly name: string | undefined;
  readonly groups: readonly string[];
  readonly mailbox: MailboxLimits;
  readonly on_restart: OnRestart;
  readonly max_resumes: number;
  readonly startTimeoutMs: number | undefined;
}

const restarts = ["permanent", "transient", "temporary"] as const;
const types = ["worker", "supervisor"] as const;
const noGroups: readonly string[] = [];
const onRestarts = ["reset", "resume"] as const;

/**
 * Checks a child specification and fills in OTP's defaults. `where` is its place in the options, for the message.
 *
 * @throws DspexError `ERR_INVALID_OPTION` naming the field.
 */
export function resolveChildSpec(
  spec: ChildSpec<readonly unknown[]>,
  where: string,
  auto_shutdown: AutoShutdown,
): ResolvedChildSpec {
  if (typeof spec !== "object" || spec === null) throw invalidOption(where, spec, "a child specification");
  const id = textOption(`${where}.id`, spec.id);
  if (typeof spec.start !== "function") throw invalidOption(`${where}.start`, spec.start, "a function");
  const type = choiceOption(`${where}.type`, spec.type, { default: "worker", among: types });
  const restart = choiceOption(`${where}.restart`, spec.restart, { default: "permanent", among: restarts });
  const significant = spec.significant ?? false;
  if (typeof significant !== "boolean")
    throw invalidOption(`${where}.significant`, significant, "true or false");
  if (significant && restart === "permanent")
    throw invalidOption(
      `${where}.significant`,
      significant,
      `false for a permanent child, which never ends for good`,
    );
  if (significant && auto_shutdown === "never")
    throw invalidOption(
      `${where}.significant`,
      significant,
      `false under a supervisor whose auto_shutdown is "never"`,
    );
  const on_restart = choiceOption(`${where}.on_restart`, spec.on_restart, {
    default: "reset",
    among: onRestarts,
  });
  if (on_restart === "resume" && type === "supervisor")
    throw invalidOption(
      `${where}.on_restart`,
      on_restart,
      `"reset" for a supervisor, whose state is its children`,
    );
  return {
    id,
    start: spec.start,
    restart,
    shutdown: shutdownOption(`${where}.shutdown`, spec.shutdown, type),
    type,
    significant,
    name: spec.name === undefined ? undefined : textOption(`${where}.name`, spec.name),
    groups: groupsOption(`${where}.groups`, spec.groups),
    mailbox: resolveMailbox(`${where}.mailbox`, spec.mailbox),
    on_restart,
    max_resumes: integerOption(`${where}.max_resumes`, spec.max_resumes, { default: 3, min: 1 }),
    startTimeoutMs: startTimeoutOption(`${where}.startTimeoutMs`, spec.startTimeoutMs),
  };
}

/** Checks a list of child specifications, and that no two share an id. */
export function resolveChildSpecs(
  specs: readonly ChildSpec[],
  where: string,
  auto_shutdown: AutoShutdown,
): ResolvedChildSpec[] {
  if (!Array.isArray(specs)) throw invalidOption(where, specs, "a list of child specifications");
  const ids = new Set<string>();
  return specs.map((spec: ChildSpec, index) => {
    const resolved = resolveChildSpec(spec, `${where}[${index}]`, auto_shutdown);
    if (ids.has(resolved.id))
      throw invalidOption(`${where}[${index}].id`, resolved.id, "unique in its supervisor");
    ids.add(resolved.id);
    return resolved;
  });
}

/**
 * Checks child specifications without starting anything.
 *
 * @throws DspexError `ERR_INVALID_OPTION` naming the field.
 */
export function checkChildSpecs(specs: readonly ChildSpec[], auto_shutdown: AutoShutdown = "never"): void {
  resolveChildSpecs(specs, "children", auto_shutdown);
}

function shutdownOption(option: string, value: unknown, type: "worker" | "supervisor"): Shutdown {
  if (value === undefined) return type === "worker" ? 5_000 : "infinity";
  if (value === "brutal_kill" || value === "infinity") return value;
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  throw invalidOption(option, value, `a finite number of milliseconds, "brutal_kill" or "infinity"`);
}

function groupsOption(option: string, value: unknown): readonly string[] {
  if (value === undefined) return noGroups;
  if (!Array.isArray(value)) throw invalidOption(option, value, "a list of group names");
  return value.map((group, index) => textOption(`${option}[${index}]`, group));
}

function startTimeoutOption(option: string, value: unknown): number | undefined {
  if (value === undefined || (typeof value === "number" && value > 0)) return value;
  throw invalidOption(option, value, "a positive number of milliseconds");
}

/** What a start gave back, in one shape. */
export function logicOf(started: Exclude<ChildStart, "ignore">): {
  readonly logic: AnyActorLogic;
  readonly input?: unknown;
} {
  const parts = "transition" in started ? { logic: started } : started;
  if (typeof parts.logic?.transition === "function") return parts;
  throw invalidOption("start", started, `to return actor logic, { logic, input } or "ignore"`);
}
