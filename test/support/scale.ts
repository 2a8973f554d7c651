/**
 * How many times as many cases a test runs as in `npm test`: 1 there, 10 under `npm run test:deep`, which sets
 * `DSPEX_TEST_SCALE`.
 */
const scale = Number(process.env["DSPEX_TEST_SCALE"] ?? 1);

/** The number of cases at the present scale; `n` is the number in `npm test`. */
export function scaled(n: number): number {
  return Math.ceil(n * scale);
}

/** A seed of this run, or the one that `DSPEX_TEST_SEED` names, which replays a failure. A test prints it with its name. */
export function testSeed(): number {
  const given = process.env["DSPEX_TEST_SEED"];
  return given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
}
