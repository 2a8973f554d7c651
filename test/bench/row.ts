import type { Bar } from "./statistics.ts";

/** Something that can be measured again and again; it starts once and is stopped at the end. */
interface Contender {
  readonly name: string;
  /** One measurement, in the row's unit. */
  measure(): Promise<number>;
}

/** One line of the report. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly ours: Contender;
  /** Absent: an absolute bar, and the ratio is measured / bar. */
  readonly peer?: Contender;
  readonly bar?: Bar;
}

/** The rows of one `--` argument. */
export interface Group {
  readonly name: string;
  /** Starts what the rows need and hands them out; `stop` ends it. */
  start(): Promise<{ readonly rows: readonly Row[]; readonly stop: () => Promise<void> }>;
}

/** A measured row. */
export interface Measured {
  readonly row: Row;
  readonly ours: readonly number[];
  readonly peer: readonly number[];
  readonly ratios: readonly number[];
}

/** A run that is made once, and takes its time; its summary is the last line. */
export interface Trial {
  readonly name: string;
  run(): Promise<{ readonly figures: readonly Measured[]; readonly summary: string }>;
}

/** A figure of a trial. */
export function once(name: string, unit: string, value: number, bar?: Bar): Measured {
  const ours = { name: "DSPex", measure: () => Promise.resolve(value) };
  const row: Row = { name, unit, ours, ...(bar === undefined ? {} : { bar }) };
  return { row, ours: [value], peer: [], ratios: [value / (bar?.ratio ?? 1)] };
}
