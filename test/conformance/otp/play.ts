import { createManualClock, DspexError, type ManualClock } from "@dspex/core";
import {
  countChildren,
  createRegistry,
  deleteChild,
  dynamicSupervisor,
  isAlive,
  restartChild,
  startChild,
  supervisor,
  terminateChild,
  whichChildren,
  type ChildSpec,
  type SupervisorLogic,
} from "@dspex/supervisors";
import { createActor, type AnyActorRef } from "xstate";
import type {
  Behaviour,
  Case,
  ChildRecord,
  Operation,
  Run,
  Step,
  SupervisorRecord,
  WorkerRecord,
} from "./cases.ts";
import { reasonWord, RecordedChildren } from "./recorded-children.ts";

/** Plays a case against this implementation, on a clock that only the player moves, and returns what happened. */
export async function play({ sup, ops }: Pick<Case, "sup" | "ops">): Promise<Run> {
  const clock = createManualClock();
  const registry = createRegistry();
  const children = new RecordedChildren();
  const root = createActor(supervisorOf(sup, children), { id: "root", input: { clock, registry } });
  root.subscribe({ error: () => {} });

  const steps: Step[] = [];
  const record = async (op: string, operation: () => unknown): Promise<Step> => {
    const result = await settled(clock, operation());
    const alive = isAlive(root);
    const step = { op, result: result ?? (alive ? "ok" : "error"), events: children.drain(), alive };
    steps.push(step);
    return step;
  };

  const { alive } = await record("start", () => void root.start());
  if (!alive) return { steps, ended: "not_started" };
  for (const op of ops) {
    const ref = "sup" in op ? (op.sup === "root" ? root : registry.whereis(op.sup)) : undefined;
    if (!(await record(op.op, () => perform(op, ref, children))).alive) break;
  }
  if (isAlive(root))
    await record("stop_root", () => {
      root.send({ type: "otp.shutdown" });
      return "ok";
    });
  return { steps, ended: reasonWord(root) };
}

/** The turns after which a case that has not come to rest never will: 200 s of its clock. */
const maxTurns = 10_000;

/** Lets everything happen that is due: answers, retries, and the end of the patience with children that do not stop. */
async function settled<T>(clock: ManualClock, result: T): Promise<Awaited<T>> {
  let done = false;
  const answer = Promise.resolve(result).finally(() => (done = true));
  for (let turn = 1; ; turn += 1) {
    clock.advance(20);
    // Now and then the event loop gets its turn, for a run queue that waits for it.
    await (turn % 100 === 0 ? new Promise((resolve) => setImmediate(resolve)) : Promise.resolve());
    if (done && clock.pending === 0) return answer;
    if (turn === maxTurns) throw new Error("it never comes to rest");
  }
}

async function perform(
  op: Operation,
  sup: AnyActorRef | undefined,
  children: RecordedChildren,
): Promise<unknown> {
  if (op.op === "exit") return children.exit(op.child, op.reason);
  if (op.op === "terminate_dynamic" && children.ref(op.name) === undefined) return "dead";
  if (sup === undefined || !isAlive(sup)) return "noproc";
  try {
    return await call(op, sup, children);
  } catch (error) {
    if (DspexError.is(error, "ERR_SUPERVISOR_REFUSED")) return error.details.reason;
    if (DspexError.is(error, "ERR_CHILD_START_FAILED")) return "error";
    if (DspexError.is(error, "ERR_NO_PROCESS")) return "noproc";
    throw error;
  }
}

async function call(
  op: Exclude<Operation, { op: "exit" }>,
  sup: AnyActorRef,
  children: RecordedChildren,
): Promise<unknown> {
  switch (op.op) {
    case "start_child":
      return started(await startChild(sup, workerSpec(op.spec, children)));
    case "start_dynamic":
      return started(await startChild(sup, [op.name, op.behaviour]));
    case "terminate_dynamic":
      await terminateChild(sup, children.ref(op.name)!);
      return "ok";
    case "terminate_child":
      await terminateChild(sup, op.id);
      return "ok";
    case "restart_child":
      return started(await restartChild(sup, op.id));
    case "delete_child":
      await deleteChild(sup, op.id);
      return "ok";
    case "which_children":
      return (await whichChildren(sup)).map(({ id, state, type }) => [
        id,
        state === "stopped" ? "undefined" : state,
        type,
      ]);
    case "count_children":
      return countChildren(sup);
  }
}

function started(ref: AnyActorRef | undefined): "ok" | "ignored" {
  return ref === undefined ? "ignored" : "ok";
}

function supervisorOf(sup: SupervisorRecord, children: RecordedChildren): SupervisorLogic {
  const limit = { intensity: sup.intensity, periodMs: sup.period * 1_000 };
  if (sup.strategy !== "simple_one_for_one") {
    const { strategy, auto_shutdown = "never" } = sup;
    return supervisor({
      ...limit,
      strategy,
      auto_shutdown,
      children: sup.children.map((child) => childSpec(child, children)),
    });
  }
  const { id, type, restart, shutdown } = sup.template;
  return dynamicSupervisor<[name: string, behaviour: Behaviour]>({
    ...limit,
    template: {
      id,
      type,
      restart,
      shutdown,
      start: (_scope, name, behaviour) => children.start(name, behaviour),
    },
  });
}

function childSpec(child: ChildRecord, children: RecordedChildren): ChildSpec {
  if (child.type === "worker") return workerSpec(child, children);
  const { id, type, restart, shutdown, significant = false } = child;
  return { id, type, restart, shutdown, significant, name: id, start: () => supervisorOf(child, children) };
}

function workerSpec(worker: WorkerRecord, children: RecordedChildren): ChildSpec {
  const { id, type, restart, shutdown, significant = false, behaviour } = worker;
  return { id, type, restart, shutdown, significant, start: () => children.start(id, behaviour) };
}
