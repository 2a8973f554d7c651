import type { Model } from "./model.ts";
import { answerCall } from "./model-calls.ts";
import type { Child, Message, Request, Waits } from "./model-child.ts";
import { Process, Worker, type Link } from "./model-process.ts";
import type { Call, ChildScript, Reason, SupervisorScript } from "./scenario.ts";

/** OTP's supervisor: one message at a time, and while it waits for a child it reads no other. */
export class Supervisor extends Process {
  readonly script: SupervisorScript;
  readonly #children = new Map<string, Child>();
  readonly #mailbox: Message[] = [];
  /** When it restarted somebody. */
  #restarts: number[] = [];
  #code: Waits | undefined;
  #waitsFor: (() => boolean) | undefined;
  #request: Request | undefined;
  #running = false;
  #askedToStop = false;
  #stopping = false;
  #restarting = false;

  constructor(model: Model, path: readonly string[], script: SupervisorScript, link: Link) {
    super(model, path, link);
    this.script = script;
    this.#code = this.#init();
  }

  get children(): readonly Child[] {
    return [...this.#children.values()];
  }

  child(name: string): Child | undefined {
    return this.#children.get(name);
  }

  get restartsInWindow(): number {
    return this.#recent().length;
  }

  get state(): "starting" | "running" | "restarting" | "stopping" {
    if (this.#stopping) return "stopping";
    if (!this.ready) return "starting";
    const tries = this.#restarting || this.children.some(({ state }) => state === "restarting");
    return tries ? "restarting" : "running";
  }

  request(call: Call, target: Process | undefined, answer: (text: string) => void): void {
    this.#mailbox.push({ type: "call", call, target, answer });
    this.run();
  }

  shutdown(): void {
    this.#askedToStop = true;
    this.run();
  }

  kill(reason: Reason = "killed"): void {
    if (!this.alive) return;
    for (const { process } of this.children.toReversed()) {
      if (process === undefined) continue;
      process.hear(this.past);
      process.kill();
      // No child outlives its supervisor.
      this.hear(process.past);
    }
    this.#die(reason);
  }

  start(): void {
    this.run();
  }

  /** Goes on until it has to wait. */
  run(): void {
    if (this.#running) return;
    this.#running = true;
    while (this.alive && this.#step())
      if (this.model.preempts()) {
        this.model.schedule(this);
        break;
      }
    this.#running = false;
  }

  /** @returns whether it can go on */
  #step(): boolean {
    // The one thing that does not wait in the mailbox.
    if (this.#askedToStop && !this.#stopping) this.#goOnWith(this.#terminate("shutdown"));
    if (this.#code === undefined) {
      const message = this.#mailbox.shift();
      if (message === undefined) return false;
      this.#goOnWith(this.#handle(message));
    }
    if (this.#waitsFor?.() === false) return false;
    const { done, value } = this.#code!.next();
    if (done === true) {
      this.#goOnWith(undefined);
      return true;
    }
    this.#waitsFor = value;
    // What it waits for may be there already; of that it hears in its turn.
    if (value()) this.model.schedule(this);
    return this.#askedToStop && !this.#stopping;
  }

  #wake(): void {
    if (!this.#running) this.model.schedule(this);
  }

  #goOnWith(code: Waits | undefined): void {
    this.#code = code;
    this.#waitsFor = undefined;
  }

  *#init(): Waits {
    if (this.script.strategy !== "dynamic")
      for (const script of this.script.children) {
        const child = this.addChild(script, script.id);
        const outcome = yield* this.startChild(child);
        if (outcome === "ignored") this.clear(child);
        if (outcome === "failed") return yield* this.#terminate("error");
      }
    this.initialised();
  }

  *#handle(message: Message): Waits {
    if (message.type === "call") {
      this.#request = message;
      const answer = yield* answerCall(this, message);
      this.#request = undefined;
      return message.answer(answer);
    }
    const { child } = message;
    if (message.type === "try_again") {
      if (child.state === "restarting" && child.starts === message.starts) yield* this.#restart(child);
    } else if (child.state === "exited" && child.process === message.process) yield* this.#exited(child);
  }

  *#exited(child: Child): Waits {
    const { script, reason, process } = child;
    this.hear(process!.past);
    const normal = reason === "normal" || reason === "shutdown" || reason === "shutdown_term";
    if (script.restart === "permanent" || !normal) this.#report(child, `child_terminated ${reason}`);
    if (script.restart === "permanent" || (script.restart === "transient" && !normal))
      return yield* this.#restart(child);
    this.clear(child);
    if (this.#endsForGood(script)) yield* this.#terminate("shutdown");
  }

  #endsForGood({ significant }: ChildScript): boolean {
    if (this.script.strategy === "dynamic" || !significant) return false;
    const { auto_shutdown } = this.script;
    if (auto_shutdown === "any_significant") return true;
    const active = this.children.some((child) => child.script.significant && child.state !== "stopped");
    return auto_shutdown === "all_significant" && !active;
  }

  *#restart(child: Child): Waits {
    this.#restarts = [...this.#recent(), this.model.timeline.now()];
    if (this.#restarts.length > this.script.intensity) {
      this.#report(child, "shutdown reached_max_restart_intensity");
      this.clear(child);
      return yield* this.#terminate("shutdown");
    }
    this.#restarting = true;
    const group = this.#groupOf(child);
    if (child.state === "exited") child.state = "stopped";
    for (const other of group.toReversed()) if (other !== child) yield* this.stopChild(other);
    for (const other of group) {
      if (!this.#children.has(other.name)) continue;
      const outcome = yield* this.startChild(other);
      if (outcome === "ignored") this.clear(other);
      if (outcome !== "failed") continue;
      other.state = "restarting";
      const { starts } = other;
      const tryAgain = (): void => {
        this.#mailbox.push({ type: "try_again", child: other, starts });
        this.run();
      };
      this.after(0, tryAgain);
      break;
    }
    this.#restarting = false;
  }

  #groupOf(child: Child): readonly Child[] {
    if (this.script.strategy === "one_for_all") return this.children;
    if (this.script.strategy === "rest_for_one") return this.children.slice(this.children.indexOf(child));
    return [child];
  }

  /** A restart that is exactly as old as the period counts. */
  #recent(): number[] {
    const since = this.model.timeline.now() - this.script.periodMs;
    return this.#restarts.filter((atMs) => atMs >= since);
  }

  *#terminate(reason: Reason): Waits {
    this.#stopping = true;
    if (this.script.strategy === "dynamic") yield* this.#stopAllAtOnce();
    else for (const child of this.children.toReversed()) yield* this.stopChild(child);
    this.#die(reason);
  }

  *stopChild(child: Child): Waits {
    if (this.#askToStop(child)) yield () => child.state !== "stopping";
    this.#stopped(child);
  }

  /** Each child has the time that its specification gives it, and all of them have it together. */
  *#stopAllAtOnce(): Waits {
    const { children } = this;
    const waits = children.filter((child) => this.#askToStop(child)).length > 0;
    if (waits) yield () => children.every(({ state }) => state !== "stopping");
    for (const child of children) this.#stopped(child);
  }

  /** @returns whether it has to wait for the end of it */
  #askToStop(child: Child): boolean {
    if (child.state !== "starting" && child.state !== "running") return child.state === "stopping";
    const { script, process } = child;
    const { shutdown } = script;
    child.timer?.cancel();
    child.timer = undefined;
    child.state = "stopping";
    process!.hear(this.past);
    if (shutdown === "brutal_kill") process!.kill();
    else process!.shutdown();
    if (process!.alive && typeof shutdown === "number")
      child.timer = this.after(shutdown, () => {
        process!.hear(this.past);
        process!.kill();
      });
    return shutdown !== "brutal_kill" && (script.type === "supervisor" || script.stop !== "deaf");
  }

  #stopped(child: Child): void {
    const { reason, script, state, process } = child;
    if (process !== undefined) this.hear(process.past);
    const asked = script.shutdown === "brutal_kill" ? "killed" : "shutdown";
    const mayEndNormally = script.restart !== "permanent";
    const normal = reason === "normal" || reason === "shutdown" || reason === "shutdown_term";
    if (state === "exited" && reason !== asked && !(mayEndNormally && normal))
      this.#report(child, `shutdown_error ${reason}`);
    this.clear(child);
  }

  /** Nobody runs here any more. Only a static supervisor keeps the specification, and not that of a temporary child. */
  clear(child: Child): void {
    child.timer?.cancel();
    child.timer = undefined;
    child.process = undefined;
    child.state = "stopped";
    if (child.script.restart === "temporary" || this.script.strategy === "dynamic")
      this.#children.delete(child.name);
  }

  addChild(script: ChildScript, name: string): Child {
    const child: Child = {
      name,
      script,
      state: "stopped",
      process: undefined,
      reason: "normal",
      starts: 0,
      timer: undefined,
    };
    this.#children.set(name, child);
    return child;
  }

  dropChild({ name }: Child): void {
    this.#children.delete(name);
  }

  *startChild(child: Child): Waits<"ok" | "ignored" | "failed"> {
    const { model } = this;
    const { script, name } = child;
    child.starts += 1;
    child.state = "starting";
    const mode = model.modeOf(name, script);
    if (mode !== "ok") {
      this.note(mode, [...this.path, name]);
      child.state = "stopped";
      if (mode === "fail") this.#report(child, "start_error error");
      return mode === "fail" ? "failed" : "ignored";
    }
    const process = this.#spawn(child);

    const { startTimeoutMs } = script;
    const waits = startTimeoutMs !== undefined || script.type === "supervisor";
    if (waits && !process.ready && child.state === "starting") {
      if (startTimeoutMs !== undefined) child.timer = this.after(startTimeoutMs, () => process.kill("error"));
      yield () => process.ready || child.state !== "starting";
    }
    this.hear(process.startPast);
    child.timer?.cancel();
    child.timer = undefined;
    if (process.alive) child.state = "running";
    else if (process.ready || !waits) this.#mailbox.push({ type: "EXIT", child, process });
    else {
      child.state = "stopped";
      this.#report(child, `start_error ${child.reason}`);
      return "failed";
    }
    this.#report(child, "started");
    return "ok";
  }

  #spawn(child: Child): Process {
    const { model } = this;
    const { script, name } = child;
    const path = [...this.path, name];
    const link: Link = {
      ready: () => this.#wake(),
      ended: (reason) => {
        if (child.state === "running") this.#mailbox.push({ type: "EXIT", child, process });
        child.state = "exited";
        child.reason = reason;
        this.#wake();
      },
    };
    const process: Worker | Supervisor =
      script.type === "worker"
        ? new Worker(model, path, script, link)
        : new Supervisor(model, path, script, link);
    child.process = process;
    model.newest.set(name, process);
    process.hear(this.past);
    process.start();
    return process;
  }

  #report({ name, starts }: Child, what: string): void {
    this.note(`#${starts} ${what}`, [...this.path, name]);
  }

  #die(reason: Reason): void {
    this.#request?.answer("noproc");
    for (const message of this.#mailbox.splice(0)) if (message.type === "call") message.answer("noproc");
    this.exit(reason);
  }
}
