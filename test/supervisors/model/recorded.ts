import type {
  Behaviour,
  Case,
  ChildEvent,
  ChildRecord,
  Operation,
  Run,
  Step,
  SupervisorRecord,
  WorkerRecord,
} from "../../conformance/otp/cases.ts";
import { Model } from "./model.ts";
import type { ChildScript, Mode, Op, SupervisorScript, WorkerScript } from "./scenario.ts";

/** A recorded worker also says what each of its starts comes to. */
interface RecordedScript extends WorkerScript {
  readonly behaviour: Behaviour;
}

/** Plays a recorded case of OTP's own supervisor on the model. */
export function playOnModel({ sup, ops }: Pick<Case, "sup" | "ops">): Run {
  const root = { id: "root", restart: "permanent", shutdown: "infinity", type: "supervisor" } as const;
  const model = new Model(supervisorOf({ ...sup, ...root }), { modeOf: modes() });
  const steps: Step[] = [];
  let ended = "not_started";
  const record = (op: string, result?: string): boolean => {
    for (let next = model.timeline.nextMs; next !== undefined; next = model.timeline.nextMs)
      model.do({ op: "pass", ms: next - model.timeline.now() });
    const { trace, answers } = model.sight();
    const { alive } = model.root;
    const lines = trace.flatMap(({ line }) => (line === undefined ? [] : [line.split(" ")]));
    if (steps.length > 0 && !alive) ended = wordOf(lines.at(-1)!.at(-1)!);
    const answer = answers[0] === undefined ? undefined : answerOf(op, answers[0].split(" ").slice(1));
    const events = lines.flatMap(([, , path, ...what]) => eventOf(path!.split("/").at(-1)!, what));
    steps.push({
      op,
      result: result ?? answer ?? (op === "start" && !alive ? "error" : "ok"),
      events,
      alive,
    });
    return alive;
  };

  if (!record("start")) return { steps, ended };
  for (const recorded of ops) {
    const nobody = recorded.op === "exit" && model.newest.get(recorded.child)?.alive !== true;
    if (!nobody) model.do(opOf(recorded));
    if (!record(recorded.op, nobody ? "dead" : undefined)) return { steps, ended };
  }
  model.do({ op: "shutdown", sup: "root" });
  record("stop_root", "ok");
  return { steps, ended };
}

/** Counts the starts of each name. */
function modes(): (name: string, script: ChildScript) => Mode {
  const starts = new Map<string, number>();
  return (name, script) => {
    if (script.type === "supervisor") return "ok";
    const { init } = (script as RecordedScript).behaviour;
    const count = starts.get(name) ?? 0;
    starts.set(name, count + 1);
    const mode = init[Math.min(count, init.length - 1)]!;
    return mode === "error" || mode === "raise" ? "fail" : mode;
  };
}

function opOf(recorded: Operation): Op {
  if (recorded.op === "exit") {
    const { child, reason } = recorded;
    if (reason === "kill") return { op: "kill", child };
    return { op: "end", child, reason: reason === "crash" ? "error" : reason };
  }
  const { op, sup } = recorded;
  switch (op) {
    case "start_child":
      return { op: "call", sup, call: op, child: childOf(recorded.spec) };
    case "start_dynamic": {
      const { name, behaviour } = recorded;
      const as = { stop: behaviour.stop, behaviour };
      return { op: "call", sup, call: "start_instance", name, as };
    }
    case "terminate_dynamic":
      return { op: "call", sup, call: "terminate_ref", id: recorded.name };
    case "which_children":
    case "count_children":
      return { op: "call", sup, call: op };
    default:
      return { op: "call", sup, call: op, id: recorded.id };
  }
}

function childOf(child: ChildRecord): ChildScript {
  return child.type === "worker" ? workerOf(child) : supervisorOf(child);
}

function workerOf({
  id,
  type,
  restart,
  shutdown,
  significant = false,
  behaviour,
}: WorkerRecord): RecordedScript {
  return { id, type, restart, shutdown, significant, stop: behaviour.stop, behaviour };
}

function supervisorOf(child: SupervisorRecord & Omit<WorkerRecord, "type" | "behaviour">): SupervisorScript {
  const { id, restart, shutdown, significant = false, intensity, period } = child;
  const place = { id, restart, shutdown, significant, type: "supervisor", intensity } as const;
  const periodMs = period * 1_000;
  if (child.strategy !== "simple_one_for_one") {
    const { strategy, auto_shutdown = "never", children } = child;
    return { ...place, periodMs, strategy, auto_shutdown, children: children.map(childOf) };
  }
  const template = { significant: false, ...child.template, stop: "prompt" } as const;
  return { ...place, periodMs, strategy: "dynamic", template, max_children: null };
}

function eventOf(child: string, [what, reason]: readonly string[]): ChildEvent[] {
  if (what === "+") return [["start", child]];
  if (what === "fail") return [["start_failed", child]];
  if (what === "ignore") return [["ignored", child]];
  return what === "-" ? [["stop", child, wordOf(reason!)]] : [];
}

function wordOf(reason: string): string {
  return reason === "error" ? "crash" : reason;
}

function answerOf(op: string, words: readonly string[]): unknown {
  const [word] = words;
  if (word === "failed") return "error";
  if (word === "noproc" || word === "nobody")
    return op === "terminate_dynamic" && word === "nobody" ? "dead" : "noproc";
  if (op === "count_children") {
    const [specs, active, supervisors, workers] = words.filter((_, index) => index % 2 === 0).map(Number);
    return { specs, active, supervisors, workers };
  }
  if (op !== "which_children") return word;
  return words.filter(Boolean).map((child) => {
    const [id, state, type] = child.split(":");
    return [id, state === "stopped" ? "undefined" : state, type];
  });
}
