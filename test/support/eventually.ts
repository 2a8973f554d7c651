/** Waits until `condition` holds, and fails with what it last gave otherwise. */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  timeoutMs = 10_000,
): Promise<Exclude<T, false | undefined | null>> {
  const endAt = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value) return value as Exclude<T, false | undefined | null>;
    if (performance.now() > endAt)
      throw new Error(`Not within ${timeoutMs} ms: ${condition.toString()} gave ${String(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
