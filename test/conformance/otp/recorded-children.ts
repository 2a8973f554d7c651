import { isAlive, kill, exit, server, type ChildStart, type ExitReason } from "@dspex/supervisors";
import type { AnyActorRef } from "xstate";
import type { Behaviour, ChildEvent, ExitWord } from "./cases.ts";

interface Leave {
  readonly type: "leave";
  readonly reason: Exclude<ExitWord, "kill">;
}

/** The workers of a case, which behave as it says, and what they saw. */
export class RecordedChildren {
  #events: ChildEvent[] = [];
  readonly #starts = new Map<string, number>();
  readonly #refs = new Map<string, AnyActorRef>();

  /** The newest actor of this name, dead or alive. */
  ref(name: string): AnyActorRef | undefined {
    return this.#refs.get(name);
  }

  /** What was seen since the last time. */
  drain(): ChildEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Makes the worker end, of itself or by a kill. */
  exit(name: string, reason: ExitWord): "ok" | "dead" {
    const ref = this.#refs.get(name);
    if (ref === undefined || !isAlive(ref)) return "dead";
    if (reason === "kill") kill(ref);
    else ref.send({ type: "leave", reason } satisfies Leave);
    return "ok";
  }

  /** One more start of this name, as its behaviour lays it down. */
  start(name: string, { init, stop }: Behaviour): ChildStart {
    const count = this.#starts.get(name) ?? 0;
    this.#starts.set(name, count + 1);
    const how = init[Math.min(count, init.length - 1)];
    if (how === "ignore") {
      this.#events.push(["ignored", name]);
      return "ignore";
    }
    if (how === "error") {
      this.#events.push(["start_failed", name]);
      throw new Error("start returned an error");
    }
    return server<{ leaving: boolean }, Leave>({
      init: ({ self }) => {
        this.#events.push([how === "raise" ? "start_failed" : "start", name]);
        if (how === "raise") throw new Error("init threw");
        this.#refs.set(name, self);
        const ended = (): void => void this.#events.push(["stop", name, reasonWord(self)]);
        self.subscribe({ complete: ended, error: ended });
        return { leaving: false };
      },
      receive(state, { reason }) {
        state.leaving = true;
        if (reason === "crash") throw new Error("crash");
        return exit(reason === "shutdown_term" ? { shutdown: "x" } : reason);
      },
      terminate(state) {
        if (state.leaving || stop === "prompt") return;
        if (stop === "throws") throw new Error("terminate threw");
        return new Promise<void>(() => {});
      },
    });
  }
}

/** How an actor ended, in the words of the record. */
export function reasonWord(ref: AnyActorRef): string {
  const { status, output } = ref.getSnapshot() as { status: string; output?: { reason: ExitReason } };
  if (status === "error") return "crash";
  const reason = status === "done" ? output!.reason : "killed";
  return typeof reason === "string" ? reason : "shutdown_term";
}
