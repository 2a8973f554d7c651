import { aborted } from "./aborted.ts";

/** What `work` comes to, or the error of an abort when that comes first. @param where as {@link aborted} takes it. */
export function untilAborted<T>(work: T | PromiseLike<T>, signal: AbortSignal, where: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(aborted(signal, where));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    void Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}

/** The items, until an abort: it does not wait for the next one, which may never come. */
export async function* eachUntilAborted<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
  where: string,
): AsyncGenerator<T, void, void> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await untilAborted(iterator.next(), signal, where);
      if (step.done) return;
      yield step.value;
    }
  } finally {
    // A generator that hangs settles its return() no earlier than what it hangs in.
    iterator.return?.().catch(() => {});
  }
}
