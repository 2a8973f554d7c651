import { messageOf } from "@dspex/core";
import { differences } from "./compare.ts";
import { Dice } from "../../support/dice.ts";
import { Model } from "./model.ts";
import { Player } from "./player.ts";
import type { Op, Scenario, Sight } from "./scenario.ts";

/** How every scenario ends: stopped, and killed if it does not stop. After that there is silence. */
const finish: readonly Op[] = [
  { op: "shutdown", sup: "root" },
  { op: "pass", ms: 0 },
  { op: "pass", ms: 20_000 },
  { op: "kill", child: "root" },
  { op: "pass", ms: 0 },
  { op: "pass", ms: 20_000 },
];

/** How many other orders of what happens at the same moment are tried. */
const otherOrders = 30;

/**
 * Plays a scenario on both sides. When something differs: the tree, the operations up to there, and what should have been seen and
 * what was. OTP leaves open who goes first of two supervisors that both can: one of the orders has to explain what was seen.
 */
export async function differenceOf({ root, ops }: Scenario): Promise<string | undefined> {
  const scenario = { root, ops: [...ops, ...finish] };
  let sights: readonly Sight[];
  try {
    sights = await play(scenario);
  } catch (error) {
    return [...shown(scenario), messageOf(error)].join("\n");
  }
  const difference = differenceFrom(scenario, sights, undefined);
  for (let order = 1; difference !== undefined && order <= otherOrders; order += 1)
    if (differenceFrom(scenario, sights, new Dice(order)) === undefined) return undefined;
  return difference;
}

async function play({ root, ops }: Scenario): Promise<readonly Sight[]> {
  const player = await Player.start(root);
  const sights: Sight[] = [];
  for (const op of ops) {
    await player.do(op);
    if (op.op === "pass") sights.push(player.sight());
  }
  return sights;
}

function differenceFrom(
  { root, ops }: Scenario,
  sights: readonly Sight[],
  dice: Dice | undefined,
): string | undefined {
  const model = new Model(root, dice === undefined ? {} : { dice });
  let passes = 0;
  for (const [index, op] of ops.entries()) {
    model.do(op);
    if (op.op !== "pass") continue;
    const different = differences(model.sight(), sights[passes++]!);
    if (different.length > 0)
      return [...shown({ root, ops: ops.slice(0, index + 1) }), ...different].join("\n");
  }
  return undefined;
}

function shown({ root, ops }: Scenario): string[] {
  return [`root ${JSON.stringify(root)}`, ...ops.map((op) => JSON.stringify(op))];
}
