/** How many items of a stream may still be sent to a worker. */
export class CreditWindow {
  #credits: number;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(credits: number) {
    this.#credits = credits;
  }

  /** Takes one credit, waiting for it if need be; `false` when nobody wants the stream any more. */
  async take(): Promise<boolean> {
    while (this.#credits === 0 && !this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#closed) return false;
    this.#credits -= 1;
    return true;
  }

  add(n: number): void {
    this.#credits += n;
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }
}
