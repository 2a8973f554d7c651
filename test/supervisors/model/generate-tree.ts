import type { AutoShutdown } from "@dspex/supervisors";
import type { Dice } from "../../support/dice.ts";
import type { ChildScript, DynamicScript, StaticScript, SupervisorScript, WorkerScript } from "./scenario.ts";

/** Makes random trees. All that it ever made is in its lists, to be met again. */
export class TreeGenerator {
  readonly workers: WorkerScript[] = [];
  readonly supervisors: SupervisorScript[] = [];
  readonly #dice: Dice;
  #made = 0;

  constructor(dice: Dice) {
    this.#dice = dice;
  }

  root(): StaticScript {
    const dice = this.#dice;
    const root = this.#static(dice.between(1, 3), "never", dice.between(1, 4));
    this.supervisors.splice(this.supervisors.indexOf(root), 1);
    return {
      ...root,
      id: "root",
      // Most trees are to live long enough to see something.
      intensity: dice.chance(0.8) ? dice.between(3, 12) : dice.between(0, 2),
    };
  }

  /** A supervisor of many. They are of the simple sort: what is to be seen is their number. */
  crowd(): SupervisorScript {
    const dice = this.#dice;
    const simple = (): WorkerScript => {
      const { startTimeoutMs: _, readyMs: __, brief: ___, ...worker } = this.worker("never");
      return worker;
    };
    const place = {
      ...this.#supervisorPlace("never"),
      intensity: dice.among(0, 100, 5_000),
      periodMs: 5_000,
    };
    const crowd: SupervisorScript = dice.chance(0.7)
      ? { ...place, strategy: "dynamic", template: simple(), max_children: null }
      : {
          ...place,
          strategy: dice.among("one_for_one", "one_for_all", "rest_for_one"),
          auto_shutdown: "never",
          children: Array.from({ length: dice.between(200, 1_000) }, simple),
        };
    this.supervisors.push(crowd);
    return crowd;
  }

  /** @param depth how many levels of supervisors may be below */
  child(depth: number, auto_shutdown: AutoShutdown): ChildScript {
    const dice = this.#dice;
    if (depth === 0 || dice.chance(0.6)) return this.worker(auto_shutdown);
    return dice.chance(0.4) ? this.dynamic(auto_shutdown) : this.#static(depth - 1, auto_shutdown);
  }

  worker(auto_shutdown: AutoShutdown): WorkerScript {
    const dice = this.#dice;
    const place = this.#place("w", auto_shutdown);
    const acknowledges = dice.chance(0.15);
    const worker: WorkerScript = {
      ...place,
      type: "worker",
      shutdown: dice.chance(0.6)
        ? dice.among(5_000, 200, 30)
        : dice.among("brutal_kill", "infinity", dice.between(1, 400)),
      stop: this.stop(),
      ...(acknowledges ? this.#acknowledgement() : {}),
      ...(dice.chance(0.03) ? { brief: dice.among("normal", "shutdown_term") } : {}),
    };
    this.workers.push(worker);
    return worker;
  }

  stop(): WorkerScript["stop"] {
    const dice = this.#dice;
    if (dice.chance(0.45)) return "prompt";
    return dice.among(dice.between(1, 500), dice.between(1, 50), "never", "throws", "deaf");
  }

  #acknowledgement(): Pick<WorkerScript, "startTimeoutMs" | "readyMs"> {
    const dice = this.#dice;
    const late = dice.chance(0.15);
    return {
      startTimeoutMs: dice.between(100, 300),
      readyMs: late ? dice.among("never", 350) : dice.among(0, dice.between(1, 99), dice.between(1, 20)),
    };
  }

  dynamic(auto_shutdown: AutoShutdown): DynamicScript {
    const dice = this.#dice;
    const supervisor: DynamicScript = {
      ...this.#supervisorPlace(auto_shutdown),
      strategy: "dynamic",
      ...(dice.chance(0.5) ? { template: this.worker("never") } : {}),
      max_children: dice.chance(0.25) ? dice.between(0, 4) : null,
    };
    this.supervisors.push(supervisor);
    return supervisor;
  }

  #static(depth: number, parents: AutoShutdown, size = this.#dice.between(0, 4)): StaticScript {
    const dice = this.#dice;
    const place = this.#supervisorPlace(parents);
    const auto_shutdown = dice.among("never", "any_significant", "all_significant");
    const children = Array.from({ length: size }, () => this.child(depth, auto_shutdown));
    const supervisor: StaticScript = {
      ...place,
      strategy: dice.among("one_for_one", "one_for_all", "rest_for_one"),
      auto_shutdown,
      children,
    };
    this.supervisors.push(supervisor);
    return supervisor;
  }

  #supervisorPlace(
    auto_shutdown: AutoShutdown,
  ): Omit<StaticScript, "strategy" | "auto_shutdown" | "children"> {
    const dice = this.#dice;
    return {
      ...this.#place("S", auto_shutdown),
      type: "supervisor",
      shutdown: dice.chance(0.6) ? "infinity" : dice.among("brutal_kill", dice.between(1, 1_000)),
      intensity: dice.between(0, 4),
      periodMs: dice.among(100, dice.between(1, 1_000), 5_000),
      ...(dice.chance(0.1) ? { startTimeoutMs: dice.between(1, 200) } : {}),
    };
  }

  #place(letter: string, auto_shutdown: AutoShutdown): Pick<WorkerScript, "id" | "restart" | "significant"> {
    const dice = this.#dice;
    this.#made += 1;
    const counts = auto_shutdown !== "never";
    const restart = dice.among(counts ? "transient" : "permanent", "permanent", "transient", "temporary");
    const significant = counts && restart !== "permanent" && dice.chance(0.7);
    return { id: `${letter}${this.#made}`, restart, significant };
  }
}
