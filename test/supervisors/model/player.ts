import { DspexError, messageOf } from "@dspex/core";
import {
  countChildren,
  createRegistry,
  deleteChild,
  dynamicSupervisorSpec,
  getChildSpec,
  kill,
  restartChild,
  startApplication,
  startChild,
  supervisorSpec,
  terminateChild,
  whichChildren,
  type Application,
  type ChildSpec,
  type ChildStart,
  type ExitReason,
  type StartScope,
  type SupervisorReport,
  type SupervisorOptions,
  type SupervisorPlace,
  type TreeNode,
} from "@dspex/supervisors";
import { wordOf } from "@dspex/supervisors/testing";
import type { AnyActorRef } from "xstate";
import {
  traceLine,
  treeLine,
  unfold,
  type Call,
  type ChildScript,
  type InstanceScript,
  type Mode,
  type OneOp,
  type Op,
  type Sight,
  type StaticScript,
  type SupervisorScript,
  type WorkerScript,
} from "./scenario.ts";
import { Timeline } from "./timeline.ts";
import { workerLogic, type Witness } from "./worker-logic.ts";

/** More than this is never needed, whatever happens to thousands of children. */
const most = 20_000;

/** Plays the same operations against the real thing. */
export class Player {
  readonly timeline = new Timeline();
  readonly #registry = createRegistry();
  readonly #modes = new Map<string, Mode>();
  /** The newest actor of each name, dead or alive. */
  readonly #refs = new Map<string, AnyActorRef>();
  /** What the instances of templates were called, by id: the id of a template is unique in the scenario. */
  readonly #names = new Map<string, string>();
  #app: Application | undefined;
  #ended = false;
  #trace: string[] = [];
  #answers: string[] = [];
  #ops = 0;
  #happened = 0;

  private constructor() {
    const register = this.#registry.register.bind(this.#registry);
    this.#registry.register = (name, ref) => {
      this.#refs.set(name, ref);
      register(name, ref);
    };
  }

  static async start(root: StaticScript): Promise<Player> {
    const player = new Player();
    await player.#boot(root);
    return player;
  }

  async #boot(root: StaticScript): Promise<void> {
    const path = [root.id];
    const finished = (reason: ExitReason): void => {
      this.#ended = true;
      this.#note(path, `finished ${wordOf(reason)}`);
    };
    startApplication({
      ...this.#options(root),
      id: root.id,
      clock: this.timeline,
      registry: this.#registry,
      onReport: (report) => this.#hear(report),
    }).then(
      (app) => {
        this.#app = app;
        this.#refs.set(root.id, app.root);
        void app.finished.then(finished);
      },
      // It says why, and that is compared with the reports.
      (error: unknown) => finished({ error }),
    );
    await this.#rest();
  }

  async do(given: Op): Promise<void> {
    for (const op of unfold(given)) {
      this.#ops += 1;
      if (op.op === "pass") await this.#pass(op.ms);
      else this.#perform(op, this.#ops);
    }
    // What concerns very many takes several turns of the event loop, and is over before anything else is done.
    if (this.#crowded) await this.#rest();
  }

  async #pass(ms: number): Promise<void> {
    const untilMs = this.timeline.now() + ms;
    let fired = 0;
    do {
      await this.#rest();
      fired += 1;
      if (fired > most) throw new Error(`It does not come to rest: ${most} timers fired in one pass.`);
    } while (this.timeline.fireNext(untilMs));
  }

  sight(): Sight {
    const sight = {
      trace: this.#trace,
      answers: this.#answers.toSorted(),
      timers: this.timeline.dueTimes,
      tree: this.#app === undefined || this.#ended ? [] : [...this.#lines(this.#app.tree())],
    };
    this.#trace = [];
    this.#answers = [];
    return sight;
  }

  get #crowded(): boolean {
    return this.#happened > 500;
  }

  /** Everything is over that needs no time: promises, and the turns that are left to the event loop on the way. */
  async #rest(): Promise<void> {
    const patience = this.#crowded ? 40 : 1;
    for (let quiet = 0, turns = 0; quiet < patience; turns += 1) {
      if (turns > most)
        throw new Error(`It does not come to rest: something happened in each of ${most} turns.`);
      const before = this.#happened;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#happened === before ? quiet + 1 : 0;
    }
  }

  #note(path: readonly string[], what: string): void {
    this.#happened += 1;
    this.#trace.push(traceLine(this.timeline.now(), path, what));
  }

  #perform(op: Exclude<OneOp, { op: "pass" }>, number: number): void {
    switch (op.op) {
      case "mode":
        return void this.#modes.set(op.child, op.mode);
      case "end":
        return this.#refs.get(op.child)?.send({ type: "end", reason: op.reason, slowMs: op.slowMs ?? 0 });
      case "kill": {
        const ref = this.#refs.get(op.child);
        if (ref === undefined) return;
        return ref === this.#app?.root ? ref.send({ type: "xstate.stop" }) : kill(ref);
      }
      case "shutdown": {
        const ref = this.#refs.get(op.sup);
        if (ref === this.#app?.root) return void this.#app?.stop();
        return ref?.send({ type: "otp.shutdown" });
      }
      case "call": {
        const answer = (text: string): void => void this.#answers.push(`${number} ${text}`);
        const ref = this.#refs.get(op.sup);
        if (ref === undefined) return answer("nobody");
        const child = "id" in op ? this.#refs.get(op.id) : undefined;
        if (op.call === "terminate_ref" && child === undefined) return answer("nobody");
        this.#call(ref, op, child).then(answer, (error: unknown) => answer(refusal(error)));
      }
    }
  }

  async #call(sup: AnyActorRef, call: Call, child: AnyActorRef | undefined): Promise<string> {
    switch (call.call) {
      case "start_child":
        return started(await startChild(sup, this.#spec(call.child)));
      case "start_instance":
        return started(await startChild(sup, [call.name, call.as]));
      case "restart_child":
        return started(await restartChild(sup, call.id));
      case "terminate_child":
        await terminateChild(sup, call.id);
        return "ok";
      case "terminate_ref":
        await terminateChild(sup, child!);
        return "ok";
      case "delete_child":
        await deleteChild(sup, call.id);
        return "ok";
      case "get_childspec": {
        const { restart, shutdown, type, significant } = await getChildSpec(sup, call.id);
        return `${restart} ${shutdown} ${type} ${significant}`;
      }
      case "which_children": {
        const children = await whichChildren(sup);
        return children.map(({ id, state, type }) => `${this.#nameOf(id)}:${state}:${type}`).join(" ");
      }
      case "count_children": {
        const { specs, active, supervisors, workers } = await countChildren(sup);
        return `${specs} specs, ${active} active, ${supervisors} supervisors, ${workers} workers`;
      }
    }
  }

  #hear(report: SupervisorReport): void {
    if (!("child" in report)) {
      const reason = "reason" in report ? ` ${wordOf(report.reason)}` : "";
      return this.#note(report.path, report.report + reason);
    }
    const { path, child, generation, report: what } = report;
    const reason = "reason" in report ? ` ${wordOf(report.reason as ExitReason)}` : "";
    this.#note([...path, this.#nameOf(child)], `#${generation} ${what}${reason}`);
  }

  *#lines(node: TreeNode, indent = ""): Generator<string> {
    const { id, state, incarnation, uptimeMs, restartsInWindow } = node;
    yield treeLine(indent, this.#nameOf(id), { state, starts: incarnation, uptimeMs, restartsInWindow });
    for (const child of node.children) yield* this.#lines(child, `${indent}  `);
  }

  #nameOf(id: string): string {
    return this.#names.get(id) ?? id;
  }

  #spec(script: ChildScript): ChildSpec {
    const { id, restart, shutdown, significant, startTimeoutMs } = script;
    const place = {
      restart,
      shutdown,
      significant,
      name: id,
      ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
    };
    if (script.type === "worker")
      return { id, ...place, start: (scope) => this.#start(scope, id) ?? this.#worker(script, scope, id) };
    const spec = this.#supervisorSpec(script, place);
    return { ...spec, start: (scope) => this.#start(scope, id) ?? spec.start(scope) };
  }

  #supervisorSpec(script: SupervisorScript, place: SupervisorPlace): ChildSpec {
    const { id, intensity, periodMs } = script;
    if (script.strategy !== "dynamic") return supervisorSpec(id, this.#options(script), place);
    const max_children = script.max_children ?? Infinity;
    const { template } = script;
    if (template === undefined)
      return dynamicSupervisorSpec(id, { intensity, periodMs, max_children }, place);
    const { restart, shutdown, startTimeoutMs } = template;
    return dynamicSupervisorSpec<[name: string, as: InstanceScript]>(
      id,
      {
        intensity,
        periodMs,
        max_children,
        template: {
          id: template.id,
          restart,
          shutdown,
          ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
          start: (scope, name, as) => {
            this.#names.set(scope.id, name);
            return this.#start(scope, name) ?? this.#worker({ ...template, ...as }, scope, name);
          },
        },
      },
      place,
    );
  }

  #options(script: StaticScript): SupervisorOptions {
    const { strategy, intensity, periodMs, auto_shutdown, children } = script;
    return {
      strategy,
      intensity,
      periodMs,
      auto_shutdown,
      children: children.map((child) => this.#spec(child)),
    };
  }

  /** What the start of this child comes to, unless it starts. */
  #start({ path }: StartScope, name: string): "ignore" | undefined {
    const mode = this.#modes.get(name) ?? "ok";
    if (mode === "ok") return undefined;
    this.#note([...path.slice(0, -1), name], mode);
    if (mode === "ignore") return "ignore";
    throw new Error("It does not start.");
  }

  #worker(script: WorkerScript, scope: StartScope, name: string): ChildStart {
    const path = [...scope.path.slice(0, -1), name];
    const witness: Witness = {
      started: (self) => {
        this.#refs.set(name, self);
        this.#note(path, "+");
      },
      ended: (reason) => this.#note(path, `- ${reason}`),
    };
    return workerLogic(script, scope, witness, this.timeline);
  }
}

function started(ref: AnyActorRef | undefined): string {
  return ref === undefined ? "ignored" : "ok";
}

/** OTP's word for a refusal. */
function refusal(error: unknown): string {
  if (DspexError.is(error, "ERR_SUPERVISOR_REFUSED")) return error.details.reason;
  if (DspexError.is(error, "ERR_CHILD_START_FAILED")) return "failed";
  if (DspexError.is(error, "ERR_NO_PROCESS")) return "noproc";
  if (DspexError.is(error, "ERR_INVALID_OPTION")) return "invalid";
  return messageOf(error);
}
