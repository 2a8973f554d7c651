import type { ChildScript, Op, Scenario, StaticScript, WorkerScript } from "./scenario.ts";

/** Takes away whatever can be taken away while it still fails, for at most so long. */
export async function shrink(
  scenario: Scenario,
  fails: (smaller: Scenario) => Promise<boolean>,
  budgetMs: number,
): Promise<Scenario> {
  const untilMs = performance.now() + budgetMs;
  for (const smaller of smallerThan(scenario)) {
    if (performance.now() > untilMs) break;
    if (await fails(smaller)) return shrink(smaller, fails, untilMs - performance.now());
  }
  return scenario;
}

function* smallerThan({ root, ops }: Scenario): Generator<Scenario> {
  for (let size = Math.ceil(ops.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < ops.length; from += size) yield { root, ops: ops.toSpliced(from, size) };
  for (const smaller of smallerChildren(root)) yield { root: smaller as StaticScript, ops };
  for (const [index, op] of ops.entries())
    for (const smaller of smallerOps(op)) yield { root, ops: ops.with(index, smaller) };
}

function* smallerOps(op: Op): Generator<Op> {
  if (op.op === "pass" && op.ms > 0) yield { ...op, ms: 0 };
  if (op.op === "end" && op.slowMs !== undefined) yield { op: "end", child: op.child, reason: op.reason };
  if (op.op === "start_many" && op.count > 1) yield { ...op, count: Math.floor(op.count / 2) };
  if (op.op === "end_many" && op.count > 1) yield { ...op, count: Math.floor(op.count / 2) };
  if (op.op === "call" && op.call === "start_child")
    for (const child of smallerChildren(op.child)) yield { ...op, child };
}

function* smallerChildren(script: ChildScript): Generator<ChildScript> {
  if (script.startTimeoutMs !== undefined) {
    const { startTimeoutMs: _, ...plain } = script;
    yield plain as ChildScript;
  }
  if (script.significant) yield { ...script, significant: false };
  if (script.restart !== "permanent") yield { ...script, restart: "permanent", significant: false };
  if (script.type === "worker") return yield* plainerWorkers(script);
  if (script.shutdown !== "infinity") yield { ...script, shutdown: "infinity" };
  if (script.strategy === "dynamic") {
    const { template } = script;
    if (script.max_children !== null) yield { ...script, max_children: null };
    if (template !== undefined)
      for (const plainer of plainerWorkers(template)) yield { ...script, template: plainer };
    return;
  }
  if (script.strategy !== "one_for_one") yield { ...script, strategy: "one_for_one" };
  for (const [index, child] of script.children.entries()) {
    yield { ...script, children: script.children.toSpliced(index, 1) };
    for (const smaller of smallerChildren(child))
      yield { ...script, children: script.children.with(index, smaller) };
  }
}

function* plainerWorkers(script: WorkerScript): Generator<WorkerScript> {
  const { brief, readyMs, ...plain } = script;
  if (brief !== undefined || readyMs !== undefined) yield plain;
  if (script.shutdown !== 5_000) yield { ...script, shutdown: 5_000 };
  if (script.stop !== "prompt") yield { ...script, stop: "prompt" };
}
