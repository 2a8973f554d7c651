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
