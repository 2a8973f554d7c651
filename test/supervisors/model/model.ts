import type { Dice } from "../../support/dice.ts";
import { Worker, type Happening, type Process } from "./model-process.ts";
import type { Child } from "./model-child.ts";
import { Supervisor } from "./model-supervisor.ts";
import {
  treeLine,
  unfold,
  type ChildScript,
  type Mode,
  type OneOp,
  type Op,
  type Sight,
  type SupervisorScript,
} from "./scenario.ts";
import { Timeline } from "./timeline.ts";

/** What has to be seen. */
export interface Expectation extends Omit<Sight, "trace" | "timers"> {
  readonly trace: readonly Happening[];
  /** `undefined` while somebody stops: how many timers that takes is the supervisor's own affair. */
  readonly timers: readonly string[] | undefined;
}

export interface ModelOptions {
  /** What the start of a child comes to. @default what the operations say */
  readonly modeOf?: Model["modeOf"];
  /** Who goes on, of several that can. @default in turn, each until it has to wait */
  readonly dice?: Dice;
}

/**
 * OTP's supervisors a second time, in plain JavaScript, from the rules (docs/supervision.md) and not from the package, of which it knows
 * nothing. It does what the real ones did in the recorded runs, too.
 */
export class Model {
  readonly timeline = new Timeline();
  /** What the start of a child comes to. */
  readonly modeOf: (name: string, script: ChildScript) => Mode;
  /** The newest process of each name, dead or alive. */
  readonly newest = new Map<string, Process>();
  readonly root: Supervisor;
  readonly #modes = new Map<string, Mode>();
  readonly #dice: Dice | undefined;
  readonly #toRun: Supervisor[] = [];
  #happened: Happening[] = [];
  #answers: string[] = [];
  #asked = false;
  #ops = 0;

  constructor(script: SupervisorScript, options: ModelOptions = {}) {
    const { id } = script;
    this.modeOf = options.modeOf ?? ((name) => this.#modes.get(name) ?? "ok");
    this.#dice = options.dice;
    this.root = new Supervisor(this, [id], script, {
      ready: () => {},
      ended: (reason) => {
        if (!this.#asked) this.root.note(`application_exited ${reason}`);
        this.root.note(`finished ${reason}`);
      },
    });
    this.newest.set(id, this.root);
    this.root.start();
    this.#work();
  }

  happened(happening: Happening): void {
    this.#happened.push(happening);
  }

  /** It has something to do, when whoever is at work has done. */
  schedule(supervisor: Supervisor): void {
    this.#toRun.push(supervisor);
  }

  /** Whether it is another's turn now, although this one could go on. */
  preempts(): boolean {
    return this.#dice?.chance(0.3) ?? false;
  }

  /** What happened since the last time, and what is there now. */
  sight(): Expectation {
    const sight = {
      trace: this.#happened,
      answers: this.#answers.toSorted(),
      timers: stops(this.root) ? undefined : this.timeline.dueTimes,
      tree:
        this.root.alive && this.root.ready
          ? [...treeOf({ name: this.root.script.id, state: "running", starts: 1, process: this.root })]
          : [],
    };
    this.#happened = [];
    this.#answers = [];
    return sight;
  }

  do(given: Op): void {
    for (const op of unfold(given)) {
      this.#ops += 1;
      this.#perform(op, this.#ops);
      this.#work();
    }
  }

  #perform(op: OneOp, number: number): void {
    const answer = (text: string): void => void this.#answers.push(`${number} ${text}`);
    switch (op.op) {
      case "pass": {
        const untilMs = this.timeline.now() + op.ms;
        while (this.timeline.fireNext(untilMs)) this.#work();
        return;
      }
      case "mode":
        return void this.#modes.set(op.child, op.mode);
      case "end": {
        const process = this.#known(op.child);
        if (process instanceof Worker) process.end(op.reason, op.slowMs);
        else if (process?.alive === true) process.note("unexpected_message");
        return;
      }
      case "kill":
        return this.#known(op.child)?.kill();
      case "shutdown": {
        const supervisor = this.#known(op.sup);
        if (!(supervisor instanceof Supervisor)) return;
        if (supervisor === this.root) this.#asked = true;
        return supervisor.shutdown();
      }
      case "call": {
        const supervisor = this.#known(op.sup);
        const target = op.call === "terminate_ref" ? this.newest.get(op.id) : undefined;
        if (!(supervisor instanceof Supervisor) || (op.call === "terminate_ref" && target === undefined))
          return answer("nobody");
        return supervisor.alive ? supervisor.request(op, target, answer) : answer("noproc");
      }
    }
  }

  /** Nobody has the root before it is up. */
  #known(name: string): Process | undefined {
    const process = this.newest.get(name);
    return process === this.root && !this.root.ready ? undefined : process;
  }

  #work(): void {
    while (this.#toRun.length > 0) {
      const turn = this.#dice?.between(0, this.#toRun.length - 1) ?? 0;
      this.#toRun.splice(turn, 1)[0]!.run();
    }
  }
}

function stops({ alive, state, children }: Supervisor): boolean {
  if (!alive || state === "stopping") return alive;
  return children.some(
    (child) => child.state === "stopping" || (child.process instanceof Supervisor && stops(child.process)),
  );
}

function* treeOf(node: Pick<Child, "name" | "starts" | "process" | "state">, indent = ""): Generator<string> {
  const { name, starts, process } = node;
  const nowMs = process?.model.timeline.now() ?? 0;
  const supervisor = process instanceof Supervisor && process.alive ? process : undefined;
  yield treeLine(indent, name, {
    state: supervisor?.state ?? node.state,
    starts,
    uptimeMs: process?.alive === true ? nowMs - process.startedAtMs : 0,
    restartsInWindow: supervisor?.restartsInWindow ?? 0,
  });
  for (const child of supervisor?.children ?? []) yield* treeOf(child, `${indent}  `);
}
