/**
 * An abort signal that is made when somebody first looks at it: making one costs 5 µs, and most work ends before anybody
 * needs to stop it.
 */
export class LazySignal {
  readonly #parent: (() => AbortSignal) | undefined;
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  /** @param parent aborts this one too; looked at only when this one is. */
  constructor(parent?: () => AbortSignal) {
    this.#parent = parent;
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = new AbortController();
    this.#controller = controller;
    const parent = this.#parent?.();
    if (this.#aborted !== undefined) controller.abort(this.#aborted.reason);
    else if (parent?.aborted === true) controller.abort(parent.reason);
    else
      parent?.addEventListener("abort", () => controller.abort(parent.reason), {
        once: true,
        signal: controller.signal,
      });
    return controller.signal;
  }

  abort(reason?: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}
