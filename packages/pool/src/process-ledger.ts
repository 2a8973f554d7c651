/** The processes that must not outlive the runtime (G6). */
export interface ProcessLedger {
  add(pid: number): void;
  remove(pid: number): void;
}

/** A ledger that repeats every entry to the guardian of the moment. */
export interface MirroredLedger extends ProcessLedger {
  /** A guardian listens from now on: it is told of every process that is alive, then of each change. */
  attach(write: (line: string) => void): void;
  /** The guardian is gone; the ledger goes on alone until the next one attaches. */
  detach(): void;
}

export function createProcessLedger(): MirroredLedger {
  const pids = new Set<number>();
  let mirror: ((line: string) => void) | undefined;
  return {
    add(pid) {
      pids.add(pid);
      mirror?.(`add ${pid}\n`);
    },
    remove(pid) {
      pids.delete(pid);
      mirror?.(`del ${pid}\n`);
    },
    attach(write) {
      mirror = write;
      for (const pid of pids) write(`add ${pid}\n`);
    },
    detach() {
      mirror = undefined;
    },
  };
}
