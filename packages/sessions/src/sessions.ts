import { deferred, DspexError, integerOption, textOption } from "@dspex/core";
import { dynamicSupervisorSpec, startChild, type ChildSpec, type Registry } from "@dspex/supervisors";
import { checkAgreement, resolveSessionOptions, type SessionOptions } from "./options.ts";
import { SessionLife, type SessionPorts } from "./session-life.ts";
import { sessionMachine } from "./session-machine.ts";
import { sessionHandle, type Session } from "./session.ts";

export interface SessionsOptions {
  /** Sessions that may live at a time; one more gets `ERR_SESSIONS_FULL`. @default 10_000 */
  readonly maxSessions?: number;
}

export interface SessionsPorts extends SessionPorts {
  readonly registry: Registry;
}

/** The sessions of a runtime. */
export interface Sessions {
  /**
   * The session of this id: the one that lives, whose options must agree with those that are given, or a new one. One that is
   * ending is waited for, and a new one takes its place.
   *
   * @param id names it in telemetry and in the tree, and is its key for worker affinity.
   * @throws DspexError `ERR_INVALID_OPTION`; `ERR_SESSIONS_FULL`; `ERR_NO_PROCESS` while their supervisor is not there.
   */
  open(id: string, options?: SessionOptions): Promise<Session>;
  /** Sessions that live at this moment. */
  readonly size: number;
}

/** A session that lives, or is about to. */
interface Living {
  readonly life: SessionLife;
  readonly session: Session;
  readonly started: Promise<unknown>;
  readonly ended: Promise<void>;
}

const supervisorName = "sessions";

/**
 * Sessions: the handle, and the dynamic supervisor that `tree.ts` puts under `work`. Sessions are `temporary`: the history of one that
 * crashed is lost, and an empty one in its place would answer as if nothing had been said.
 *
 * @throws DspexError `ERR_INVALID_OPTION`.
 */
export function createSessions(
  options: SessionsOptions,
  ports: SessionsPorts,
): { sessions: Sessions; spec: ChildSpec } {
  const maxSessions = integerOption("sessions.maxSessions", options.maxSessions, { default: 10_000, min: 1 });
  const living = new Map<string, Living>();

  const begin = (id: string, options: SessionOptions): Living => {
    const resolved = resolveSessionOptions(options);
    if (living.size >= maxSessions) throw full(maxSessions);
    const released = deferred<void>();
    const forget = (): void => {
      if (living.get(id)?.life === life) living.delete(id);
      released.resolve();
    };
    const life = new SessionLife(id, resolved, ports, forget);
    const started = startSession(ports.registry, life).catch((error: unknown) => {
      forget();
      throw error;
    });
    const session = sessionHandle(life, released.promise, ports.clock);
    const entry: Living = { life, session, started, ended: released.promise };
    living.set(id, entry);
    return entry;
  };

  return {
    spec: dynamicSupervisorSpec(supervisorName, {}, { name: supervisorName }),
    sessions: {
      async open(id, options = {}) {
        textOption("id", id);
        for (let ending = living.get(id); ending?.life.over; ending = living.get(id)) await ending.ended;
        const there = living.get(id);
        if (there !== undefined) checkAgreement(options, there.life.options);
        const { session, started } = there ?? begin(id, options);
        await started;
        return session;
      },
      get size() {
        return living.size;
      },
    },
  };
}

async function startSession(registry: Registry, life: SessionLife): Promise<void> {
  const supervisor = registry.whereis(supervisorName);
  if (supervisor === undefined)
    throw new DspexError(
      "ERR_NO_PROCESS",
      `Session "${life.id}" was not opened: the supervisor of sessions is not running.`,
      {
        details: { target: supervisorName },
        retryable: true,
      },
    );
  await startChild(supervisor, { id: life.id, restart: "temporary", start: () => sessionMachine(life) });
}

function full(limit: number): DspexError<"ERR_SESSIONS_FULL"> {
  return new DspexError(
    "ERR_SESSIONS_FULL",
    `${limit} sessions live, and no more may. End those that are over, or give them a shorter ttlMs.`,
    {
      details: { limit },
      retryable: true,
    },
  );
}
