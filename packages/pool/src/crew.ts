import type { Clock, DspexError } from "@dspex/core";
import type { ChildInfo, ChildSpec } from "@dspex/supervisors";
import type { TelemetryBus } from "@dspex/telemetry";
import type { BearsReleases } from "./birth.ts";
import type { Call } from "./call.ts";
import type { ResolvedPoolOptions } from "./options.ts";
import { recycleReason, type RecycleReason } from "./recycle-reason.ts";
import { rollOutInProgress, RollOut } from "./roll-out.ts";
import { Roster } from "./roster.ts";
import type { WorkerSession } from "./worker-session.ts";
import type { BootRecord, WorkerSurroundings } from "./worker-life.ts";
import { workerMachine } from "./worker.ts";

/** A child of the workers' supervisor, over its incarnations. */
export interface Member {
  readonly id: string;
  /** What it runs on: its incarnations do not follow the pool to other code. */
  readonly options: ResolvedPoolOptions;
  /** Its own, in [0, 1). */
  readonly jitter: number;
  /** The conversation with its process, while that is ready. */
  session: WorkerSession | undefined;
  readyAtMs: number;
  /** Which limit the present incarnation has reached: it goes, even if a later PONG finds it below. */
  due: RecycleReason | undefined;
  /** The present incarnation was told to finish its calls and leave. */
  retiring: boolean;
}

export interface CrewOptions {
  readonly pool: string;
  readonly options: ResolvedPoolOptions;
  readonly clock: Clock;
  readonly random: () => number;
  readonly telemetry: TelemetryBus;
  /** What its workers share with other processes of the pool. */
  readonly around: Omit<WorkerSurroundings, "options" | "bear" | "onReady" | "onBootFailed" | "onRoom"> &
    BearsReleases;
  /** A worker took a place, or has room for another call. */
  readonly onRoom: () => void;
  readonly onReady: () => void;
  readonly onBootFailed: (error: DspexError) => void;
  /** It is time to look whether the crew is as it should be. */
  readonly wake: () => void;
}

/**
 * The workers of a pool: who there is, who of them takes calls, and what they run on. It outlives the actors; which members live is
 * known to their supervisor, and what becomes of them is decided by the size controller.
 */
export class Crew {
  readonly roster: Roster<WorkerSession>;
  readonly #given: CrewOptions;
  readonly #members = new Map<string, Member>();
  #options: ResolvedPoolOptions;
  #rollOut: RollOut | undefined;

  constructor(given: CrewOptions) {
    const { pool, options, telemetry, onRoom } = given;
    this.#given = given;
    this.#options = options;
    this.roster = new Roster(options.size.min, ({ workerId, place }) => {
      telemetry.emit("pool.worker.serving", { pool, worker: workerId, place });
      onRoom();
    });
  }

  /** What new workers run on. */
  get options(): ResolvedPoolOptions {
    return this.#options;
  }

  get rollOut(): RollOut | undefined {
    return this.#rollOut;
  }

  /** The members, the oldest first, given the children that their supervisor has. */
  members(children: readonly ChildInfo[]): readonly Member[] {
    const alive = new Set(children.map(({ id }) => id));
    for (const id of this.#members.keys()) if (!alive.has(id)) this.#members.delete(id);
    const rollOut = this.#rollOut;
    // It ended with its supervisor: another one is to be tried.
    if (rollOut?.candidate !== undefined && !this.#members.has(rollOut.candidate))
      rollOut.candidate = undefined;
    return [...this.#members.values()];
  }

  /** A further member, of the lowest number that is free. */
  hire(options: ResolvedPoolOptions): ChildSpec {
    let number = 1;
    while (this.#members.has(`worker-${number}`)) number += 1;
    const id = `worker-${number}`;
    const jitter = this.#given.random();
    const member: Member = {
      id,
      options,
      jitter,
      session: undefined,
      readyAtMs: 0,
      due: undefined,
      retiring: false,
    };
    this.#members.set(id, member);
    const boots: BootRecord = { failures: 0 };
    return {
      id,
      // Whoever was told to leave has left for good; any other end is one too early.
      restart: "transient",
      start: () => {
        member.retiring = false;
        member.due = undefined;
        return workerMachine(`${this.#given.pool}.${id}`, boots, this.#surroundingsOf(member));
      },
      // The machine kills its process when it does not drain in time; this is for the machine itself.
      shutdown: options.drainTimeoutMs + 1_000,
    };
  }

  /** Takes the place from a member; its process is another's to tell. */
  retire(member: Member): void {
    member.retiring = true;
    if (member.session !== undefined) this.roster.leave(member.session);
  }

  /** Why a member is to be replaced, if it is. */
  dueFor(member: Member): RecycleReason | "rollout" | undefined {
    if (member.options !== this.#options && member.id !== this.#rollOut?.candidate) return "rollout";
    // One process beside the others at a time: while a roll-out tries its first one, nobody else is replaced.
    if (member.session === undefined || (this.#rollOut !== undefined && !this.#rollOut.accepted))
      return undefined;
    const { calls, health } = member.session;
    const ageMs = this.#given.clock.now() - member.readyAtMs;
    return (member.due ??= recycleReason(member.options, { ageMs, calls, health }, member.jitter));
  }

  /**
   * Moves the pool onto other options, one worker at a time.
   *
   * @throws DspexError `ERR_ROLLOUT_IN_PROGRESS`; `ERR_WORKER_BOOT` when the first worker does not become ready.
   */
  async rollTo(options: ResolvedPoolOptions): Promise<void> {
    const { pool, clock, telemetry, wake } = this.#given;
    if (this.#rollOut !== undefined) throw rollOutInProgress(pool);
    const startedAtMs = clock.now();
    this.#rollOut = new RollOut(options);
    wake();
    await this.#rollOut.done;
    telemetry.emit("pool.rollout.completed", { pool, durationMs: clock.now() - startedAtMs });
  }

  /** The roll-out is over: every worker has its options, or an error says why not. */
  endRollOut(error?: DspexError): void {
    const rollOut = this.#rollOut;
    this.#rollOut = undefined;
    rollOut?.end(error);
  }

  #surroundingsOf(member: Member): WorkerSurroundings {
    const { around, onRoom } = this.#given;
    return {
      ...around,
      options: member.options,
      bear: around.bearOf(member.options),
      onRoom,
      onReady: (session) => this.#ready(member, session),
      onBootFailed: (error) => this.#bootFailed(member, error),
      onGone: (session: WorkerSession, lost: readonly Call[], error: DspexError<"ERR_WORKER_CRASHED">) => {
        // A killed actor is restarted at once, while its process is still ending.
        if (member.session === session) member.session = undefined;
        this.roster.leave(session);
        around.onGone(session, lost, error);
      },
    };
  }

  #ready(member: Member, session: WorkerSession): void {
    const { clock, onReady, wake } = this.#given;
    member.session = session;
    member.readyAtMs = clock.now();
    if (member.id === this.#rollOut?.candidate) {
      this.#options = member.options;
      this.#rollOut.accepted = true;
      this.#rollOut.candidate = undefined;
    }
    this.roster.join(session);
    onReady();
    wake();
  }

  #bootFailed(member: Member, error: DspexError): void {
    const { pool, telemetry, onBootFailed } = this.#given;
    onBootFailed(error);
    if (member.id !== this.#rollOut?.candidate) return;
    telemetry.emit("pool.rollout.refused", { pool, worker: `${pool}.${member.id}`, error: error.message });
    this.endRollOut(error);
  }
}
