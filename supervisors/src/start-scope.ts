import type { Clock } from "@dspex/core";
import type { StartScope } from "./child-spec.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Registry } from "./registry.ts";

/** What a start is told. Each part is made when it is asked for: most starts ask for little, and there may be 100,000 of them. */
export class Start implements StartScope {
  readonly #incarnation: Incarnation;
  readonly registry: Registry;

  constructor(incarnation: Incarnation, registry: Registry) {
    this.#incarnation = incarnation;
    this.registry = registry;
  }

  get id(): string {
    return this.#incarnation.child.id;
  }

  get path(): readonly string[] {
    return this.#incarnation.child.path;
  }

  get generation(): number {
    return this.#incarnation.generation;
  }

  get clock(): Clock {
    return this.#incarnation.clock;
  }

  get ready(): () => void {
    return () => this.#incarnation.announceReady();
  }
}
