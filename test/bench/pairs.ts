import type { Measured, Row } from "./row.ts";

/** Pairs per row (design §5: at least 7). */
const pairs = 7;

/**
 * Measures a row and its peer in turn, the order reversed in every other pair, so that whatever drifts on the machine
 * drifts for both. One pair before is not counted.
 */
export async function measureRow(row: Row): Promise<Measured> {
  const ours: number[] = [];
  const peer: number[] = [];
  for (let pair = -1; pair < pairs; pair += 1) {
    const first = pair % 2 === 0 ? "ours" : "peer";
    const measured = { ours: 0, peer: 0 };
    for (const who of first === "ours" ? (["ours", "peer"] as const) : (["peer", "ours"] as const))
      measured[who] = (await (who === "ours" ? row.ours : row.peer)?.measure()) ?? 0;
    if (pair < 0) continue;
    ours.push(measured.ours);
    peer.push(measured.peer);
  }
  const ratios = ours.map(
    (value, index) => value / (row.peer === undefined ? (row.bar?.ratio ?? 1) : peer[index]!),
  );
  return { row, ours, peer, ratios };
}
