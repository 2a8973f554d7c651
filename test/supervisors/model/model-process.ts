import type { Timer } from "@dspex/core";
import type { Model } from "./model.ts";
import { traceLine, type Reason, type WorkerScript } from "./scenario.ts";

/** Something that has to happen, and what has to have happened before. */
export interface Happening {
  /** `undefined` for what nobody sees: it only holds together what comes before it. */
  readonly line: string | undefined;
  readonly after: ReadonlySet<Happening>;
}

/** How a process is heard by its parent. */
export interface Link {
  ready(): void;
  ended(reason: Reason): void;
}

/** A process of the model. */
export abstract class Process {
  readonly model: Model;
  readonly path: readonly string[];
  readonly startedAtMs: number;
  readonly #link: Link;
  /** What it knows of. Things that different processes do have an order only where one knows of the other's. */
  #past = new Set<Happening>();
  #readyPast: ReadonlySet<Happening> | undefined;
  #alive = true;
  readonly #timers = new Set<Timer>();

  constructor(model: Model, path: readonly string[], link: Link) {
    this.model = model;
    this.path = path;
    this.startedAtMs = model.timeline.now();
    this.#link = link;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** It said that it is initialised. */
  get ready(): boolean {
    return this.#readyPast !== undefined;
  }

  get past(): ReadonlySet<Happening> {
    // Thousands are told of this; they need not be told of thousands.
    if (this.#past.size > 10) this.#happens(undefined);
    return this.#past;
  }

  /** What whoever waited for its start knows of. */
  get startPast(): ReadonlySet<Happening> {
    return this.#readyPast ?? this.past;
  }

  /** Its parent asks it to end. */
  abstract shutdown(): void;

  /** Ends it without asking, and `reason` is what its parent hears. */
  abstract kill(reason?: Reason): void;

  /** It was told something by a process that knows of all this. */
  hear(past: ReadonlySet<Happening>): void {
    for (const happening of past) this.#past.add(happening);
  }

  note(what: string, path = this.path): void {
    this.#happens(traceLine(this.model.timeline.now(), path, what));
  }

  #happens(line: string | undefined): void {
    const happening = { line, after: this.#past };
    this.#past = new Set([happening]);
    this.model.happened(happening);
  }

  protected initialised(): void {
    this.#readyPast = new Set(this.past);
    this.#link.ready();
  }

  /** A timer that ends with the process. */
  protected after(ms: number, callback: () => void): Timer {
    const timer = this.model.timeline.setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  protected exit(reason: Reason): void {
    this.#alive = false;
    for (const timer of this.#timers) timer.cancel();
    this.#link.ended(reason);
  }
}

export class Worker extends Process {
  readonly #script: WorkerScript;
  /** It is cleaning up and hears nothing any more. */
  #leaving = false;

  constructor(model: Model, path: readonly string[], script: WorkerScript, link: Link) {
    super(model, path, link);
    this.#script = script;
  }

  /** Runs its start function. */
  start(): void {
    this.note("+");
    const { readyMs, brief } = this.#script;
    if (readyMs === 0) this.initialised();
    else if (typeof readyMs === "number")
      // Somebody else's timer: the word may come when this process is dead, and is then nobody's.
      this.model.timeline.setTimeout(() => this.alive && this.initialised(), readyMs);
    if (brief !== undefined) this.end(brief);
  }

  shutdown(): void {
    const { stop } = this.#script;
    // One that does not trap exits sees no difference between being asked and being killed.
    if (stop === "deaf") return this.#die("shutdown", "killed");
    if (this.#leaving) return;
    this.#leaving = true;
    if (stop === "prompt") this.#die("shutdown");
    else if (stop === "throws") this.#die("error");
    else if (typeof stop === "number") this.after(stop, () => this.#die("shutdown"));
  }

  kill(reason: Reason = "killed"): void {
    this.#die(reason, "killed");
  }

  /** It ends of itself. */
  end(reason: Reason, slowMs = 0): void {
    if (!this.alive || this.#leaving) return;
    this.#leaving = true;
    if (slowMs === 0 || this.#script.stop === "deaf") this.#die(reason);
    else this.after(slowMs, () => this.#die(reason));
  }

  #die(reason: Reason, seen = reason): void {
    if (!this.alive) return;
    this.note(`- ${seen}`);
    this.exit(reason);
  }
}
