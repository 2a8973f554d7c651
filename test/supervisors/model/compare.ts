import type { Expectation } from "./model.ts";
import type { Happening } from "./model-process.ts";
import type { Sight } from "./scenario.ts";

/** What differs between what should be seen and what is; empty when nothing does. */
export function differences(expected: Expectation, seen: Sight): string[] {
  return [
    ...inOrder(expected.trace, seen.trace),
    ...(expected.timers === undefined ? [] : listed("timers", expected.timers, seen.timers)),
    ...listed("answers", expected.answers, seen.answers),
    ...listed("tree", expected.tree, seen.tree),
  ];
}

/** The same things must have happened, each after what has to be before it. Everything else about their order is free. */
function inOrder(expected: readonly Happening[], seen: readonly string[]): string[] {
  const places = new Map<string, number[]>();
  for (const [place, line] of seen.entries()) {
    const same = places.get(line);
    if (same === undefined) places.set(line, [place]);
    else same.push(place);
  }
  const placeOf = new Map<Happening, number>();
  const wrong: string[] = [];
  for (const happening of expected) {
    const { line, after } = happening;
    let earliest = -1;
    for (const earlier of after) earliest = Math.max(earliest, placeOf.get(earlier) ?? -1);
    const place = line === undefined ? earliest : places.get(line)?.shift();
    if (place === undefined) wrong.push(`did not happen: ${line}`);
    else if (place < earliest)
      wrong.push(`happened too early: ${line}, which comes after: ${seen[earliest]}`);
    placeOf.set(happening, place ?? earliest);
  }
  for (const [line, left] of places) if (left.length > 0) wrong.push(`should not have happened: ${line}`);
  if (wrong.length === 0) return [];
  const should = expected.flatMap(({ line }) => line ?? []);
  return [...wrong.slice(0, most), "what should have happened", ...start(should), "what did", ...start(seen)];
}

function listed(what: string, expected: readonly string[], seen: readonly string[]): string[] {
  const longer = Math.max(expected.length, seen.length);
  for (let same = 0; same < longer; same += 1)
    if (expected[same] !== seen[same])
      return [
        `${what}, from line ${same + 1} on, should be`,
        ...start(expected.slice(same)),
        "but is",
        ...start(seen.slice(same)),
      ];
  return [];
}

const most = 20;

function start(lines: readonly string[]): string[] {
  const shown = lines.slice(0, most).map((line) => `  ${line}`);
  return lines.length > most ? [...shown, `  and ${lines.length - most} more`] : shown;
}
