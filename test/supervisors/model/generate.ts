import { Dice } from "../../support/dice.ts";
import { TreeGenerator } from "./generate-tree.ts";
import { Model } from "./model.ts";
import { Supervisor } from "./model-supervisor.ts";
import type { Call, ChildScript, Op, Scenario, StaticScript, SupervisorScript } from "./scenario.ts";

/** A tree and what is done to it, both random. In one of 200 there are thousands of children. */
export function generate(seed: number): Scenario {
  return new Generator(seed).scenario;
}

/**
 * The model runs along, so that most operations meet somebody who lives, and time often stops right before or after something is
 * due.
 */
class Generator {
  readonly scenario: Scenario;
  readonly #dice: Dice;
  readonly #trees: TreeGenerator;
  readonly #model: Model;
  readonly #ops: Op[] = [];
  /** What was started under a supervisor by a call. */
  readonly #newcomers = new Map<string, readonly ChildScript[]>();
  /** The names of the instances of a template. */
  readonly #instances = new Map<string, readonly string[]>();

  constructor(seed: number) {
    const dice = new Dice(seed);
    this.#dice = dice;
    this.#trees = new TreeGenerator(dice);
    const crowd = seed % 200 === 0 ? this.#trees.crowd() : undefined;
    const small = this.#trees.root();
    const root: StaticScript =
      crowd === undefined ? small : { ...small, children: [...small.children, crowd] };
    this.#model = new Model(root);
    this.scenario = { root, ops: this.#ops };

    this.#do({ op: "pass", ms: dice.among(0, 0, dice.between(1, 300)) });
    for (const supervisor of this.#trees.supervisors.filter(({ strategy }) => strategy === "dynamic"))
      if (supervisor === crowd) this.#gather(crowd.id);
      else this.#people(supervisor);
    const length = dice.between(3, crowd === undefined ? 40 : 10);
    while (this.#ops.length < length && this.#model.root.alive) this.#round();
  }

  #do(op: Op): void {
    this.#ops.push(op);
    this.#model.do(op);
  }

  /** A dynamic supervisor has no children to begin with. */
  #people(supervisor: SupervisorScript): void {
    for (let left = this.#dice.between(0, 4); left > 0; left -= 1)
      this.#do({ op: "call", sup: supervisor.id, ...this.#newcomer(supervisor) });
  }

  #gather(id: string): void {
    const dice = this.#dice;
    const count = dice.between(1_000, 3_000);
    this.#do({ op: "start_many", sup: id, prefix: "m", count, as: { stop: this.#trees.stop() } });
    this.#instances.set(
      id,
      Array.from({ length: 10 }, () => `m${dice.between(0, count - 1)}`),
    );
    if (dice.chance(0.5)) this.#do({ op: "pass", ms: 0 });
    this.#do({ op: "end_many", prefix: "m", count, every: dice.between(1, 50), reason: this.#reason() });
  }

  /** Much happens to one supervisor at the same moment, and then time passes. */
  #round(): void {
    const dice = this.#dice;
    const supervisor = this.#supervisor();
    if (dice.chance(0.1)) this.#tooOften(supervisor);
    for (let left = dice.between(0, 5); left > 0; left -= 1) this.#disturb(supervisor);
    this.#do({ op: "pass", ms: this.#time() });
  }

  #disturb(supervisor: SupervisorScript): void {
    const dice = this.#dice;
    const { id } = supervisor;
    const child = this.#childOf(supervisor);
    const kind = dice.between(1, 100);
    if (kind <= 22) this.#end(child);
    else if (kind <= 27) this.#stumble(child, supervisor);
    else if (kind <= 34) this.#do({ op: "kill", child: dice.chance(0.8) ? child : id });
    else if (kind <= 47)
      this.#do({ op: "mode", child, mode: dice.among("fail", "fail", "ignore", "ok", "ok") });
    else if (kind <= 50) this.#do({ op: "shutdown", sup: id });
    else this.#do({ op: "call", sup: id, ...this.#call(supervisor, child) });
  }

  /** It ends and cannot be started again, for a while or for good. */
  #stumble(child: string, supervisor: SupervisorScript): void {
    this.#do({ op: "mode", child, mode: "fail" });
    this.#end(child);
    if (this.#dice.chance(0.3)) this.#end(this.#childOf(supervisor));
    if (this.#dice.chance(0.3)) this.#do({ op: "mode", child, mode: "ok" });
  }

  #time(): number {
    const dice = this.#dice;
    const dueMs = (this.#model.timeline.nextMs ?? 0) - this.#model.timeline.now();
    if (dice.chance(0.3)) return 0;
    if (dueMs > 0 && dice.chance(0.6)) return Math.max(0, dueMs + dice.between(-1, 1));
    return dice.among(dice.between(1, 30), dice.between(1, 600), dice.between(1, 6_000));
  }

  #reason(): "normal" | "shutdown" | "shutdown_term" | "error" {
    return this.#dice.among("error", "error", "error", "normal", "shutdown", "shutdown_term");
  }

  #end(child: string): void {
    const slow = this.#dice.chance(0.1) ? { slowMs: this.#dice.between(1, 100) } : {};
    this.#do({ op: "end", child, reason: this.#reason(), ...slow });
  }

  /** A child ends again and again, the last time when the first restart is just forgotten, or just not. */
  #tooOften(supervisor: SupervisorScript): void {
    const { periodMs, intensity } = supervisor;
    const times = Math.min(intensity, 10);
    for (let left = periodMs, time = 0; time <= times; time += 1) {
      if (time > 0) {
        const last = time === times;
        const ms = last ? Math.max(0, left + this.#dice.between(-1, 1)) : this.#dice.between(0, left);
        this.#do({ op: "pass", ms });
        left -= ms;
      }
      this.#end(this.#childOf(supervisor));
    }
  }

  #call(supervisor: SupervisorScript, id: string): Call {
    const dice = this.#dice;
    const kind = dice.between(1, 100);
    if (kind <= (supervisor.strategy === "dynamic" ? 45 : 25)) return this.#newcomer(supervisor);
    if (kind <= 70) return { call: dice.among("terminate_child", "terminate_ref"), id };
    if (kind <= 88) return { call: dice.among("restart_child", "delete_child"), id };
    if (kind <= 92) return { call: "get_childspec", id };
    return { call: dice.among("which_children", "count_children") };
  }

  #newcomer(supervisor: SupervisorScript): Call {
    const dice = this.#dice;
    const { id } = supervisor;
    if (supervisor.strategy === "dynamic" && supervisor.template !== undefined) {
      const instances = this.#instances.get(id) ?? [];
      const name = `${id}.${instances.length + 1}`;
      this.#instances.set(id, [...instances, name]);
      return { call: "start_instance", name, as: { stop: this.#trees.stop() } };
    }
    const auto_shutdown = supervisor.strategy === "dynamic" ? "never" : supervisor.auto_shutdown;
    const again = dice.chance(0.3) ? dice.oneOf(this.#own(supervisor)) : undefined;
    const child = again ?? this.#trees.child(dice.between(0, 2), auto_shutdown);
    this.#newcomers.set(id, [...(this.#newcomers.get(id) ?? []), child]);
    return { call: "start_child", child };
  }

  /** The children of this supervisor, from the start and later ones, except the instances of a template. */
  #own(supervisor: SupervisorScript): readonly ChildScript[] {
    const children = supervisor.strategy === "dynamic" ? [] : supervisor.children;
    return [...children, ...(this.#newcomers.get(supervisor.id) ?? [])];
  }

  /** Mostly one of its own that lives; now and then somebody else. */
  #childOf(supervisor: SupervisorScript): string {
    const dice = this.#dice;
    const { workers, supervisors } = this.#trees;
    if (dice.chance(0.05)) return dice.oneOf([...workers, ...supervisors])?.id ?? "nobody";
    const instances = this.#instances.get(supervisor.id) ?? [];
    const own = [...this.#own(supervisor).map(({ id }) => id), ...instances];
    const living = own.filter((name) => this.#model.newest.get(name)?.alive);
    return dice.oneOf(dice.chance(0.7) && living.length > 0 ? living : own) ?? "nobody";
  }

  /** Mostly one that lives, and rather one that is busy. */
  #supervisor(): SupervisorScript {
    const dice = this.#dice;
    const { supervisors } = this.#trees;
    if (dice.chance(0.1)) return this.#script(dice.oneOf(supervisors)?.id);
    const living = [...this.#model.newest].filter(
      ([, process]) => process instanceof Supervisor && process.alive,
    );
    const busy = living.filter(([, process]) => (process as Supervisor).state !== "running");
    return this.#script(dice.oneOf(dice.chance(0.5) && busy.length > 0 ? busy : living)?.[0]);
  }

  #script(id: string | undefined): SupervisorScript {
    return this.#trees.supervisors.find((script) => script.id === id) ?? this.scenario.root;
  }
}
