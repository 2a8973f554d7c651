import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ndArray } from "@dspex/python-bridge";
import { WorkerClient } from "./worker-client.ts";

const fixtures = path.join(import.meta.dirname, "fixtures");

describe("a worker whose environment has numpy", () => {
  let worker: WorkerClient;
  beforeAll(async () => {
    worker = await WorkerClient.start({ paths: [fixtures, path.join(fixtures, "numpy_stand_in")] });
  }, 30_000);
  afterAll(() => worker[Symbol.asyncDispose]());

  it("gets arrays as numpy's, with their shape, in memory of their own", async () => {
    const matrix = ndArray(new Int16Array([1, 2, 3, 4, 5, 6]), { shape: [2, 3] });
    expect(await worker.call("wire_values:see", matrix)).toBe(
      "ndarray int16 (2, 3) [1, 2, 3, 4, 5, 6] writable",
    );
    const large = new Float32Array(20_000).fill(0.5);
    expect(await worker.call("wire_values:see", large)).toMatch(
      /^ndarray float32 \(20000,\) \[0.5, .*0.5\] writable$/,
    );
  });

  it("sends numpy's scalars as numbers, and says what to do with others", async () => {
    expect(await worker.call("wire_values:scalar", 3, "i")).toEqual([3]);
    expect(await worker.call("wire_values:scalar", 0.5, "f")).toEqual([0.5]);
    await expect(worker.call("wire_values:scalar", 1, "M")).rejects.toThrow(
      /value\[0\].*numpy\.generic.*item\(\)/,
    );
  });
});
