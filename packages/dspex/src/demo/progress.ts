import type { TicketResult } from "./ticket-result.ts";

/** Tells people how far the job is. */
export interface Progress {
  /** Something that happened once. */
  note(text: string): void;
  /** A ticket is done. */
  step(result: TicketResult, done: number, of: number): void;
  end(): void;
}

/** One live line on a terminal; elsewhere plain lines, a ticket each. */
export function createProgress(stream: NodeJS.WriteStream): Progress {
  const live = stream.isTTY;
  let shown = false;
  const clear = (): void => {
    if (shown) stream.write("\r\u001b[2K");
    shown = false;
  };
  return {
    note(text) {
      clear();
      stream.write(`${text}\n`);
    },
    step(result, done, of) {
      const text = `${String(done).padStart(String(of).length)}/${of}  ${describe(result)}`;
      clear();
      stream.write(live ? text.slice(0, stream.columns - 1) : `${text}\n`);
      shown = live;
    },
    end: clear,
  };
}

function describe(result: TicketResult): string {
  const { id } = result.ticket;
  if (!result.ok) return `${id}  failed: ${result.code} ${result.message}`;
  const { category, confidence, reasoning } = result.answer;
  return `${id}  ${category} (${confidence.toFixed(2)}${reasoning === undefined ? "" : ", on second thoughts"})`;
}
