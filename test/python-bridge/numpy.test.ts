import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ndArray } from "@dspex/python-bridge";
import { environmentWithout } from "../support/environment-without.ts";
import { WorkerClient } from "./worker-client.ts";

describe.each(["msgpack", "json-lines"] as const)("numpy in a worker, over %s", (codec) => {
  let worker: WorkerClient;
  beforeAll(async () => {
    worker = await WorkerClient.start({ codec });
  }, 30_000);
  afterAll(() => worker[Symbol.asyncDispose]());

  it("gets arrays as numpy's, with their shape, in memory of their own", async () => {
    const matrix = ndArray(new Int16Array([1, 2, 3, 4, 5, 6]), { shape: [2, 3] });
    expect(await worker.call("numpy_values:see", matrix)).toBe(
      "ndarray int16 (2, 3) [[1, 2, 3], [4, 5, 6]] writable",
    );
    const empty = ndArray(new Float64Array(), { shape: [0, 3] });
    expect(await worker.call("numpy_values:see", empty)).toBe("ndarray float64 (0, 3) [] writable");
    const large = new Float32Array(20_000).fill(0.5);
    expect(await worker.call("numpy_values:doubled", large)).toEqual(
      ndArray(new Float32Array(20_000).fill(1)),
    );
  });

  it.each([
    ["a matrix", ndArray(new Int16Array([0, 1, 2, 3, 4, 5]), { shape: [2, 3] })],
    ["a transposed matrix", ndArray(new Int16Array([0, 2, 4, 1, 3, 5]), { shape: [2, 3] })],
    ["every other element", ndArray(new Uint8Array([0, 2, 4]))],
    ["a large view", ndArray(Float32Array.from({ length: 30_000 }, (_, index) => index * 2))],
    ["no dimensions", ndArray(new Float64Array([1.5]), { shape: [] })],
    ["no elements", ndArray(new Float32Array(), { shape: [2, 0, 3] })],
    ["int64", ndArray(new BigInt64Array([-(2n ** 63n), 2n ** 63n - 1n]))],
    ["booleans", ndArray(new Uint8Array([1, 0]), { dtype: "bool" })],
    ["single bytes", ndArray(new Uint8Array([1, 2]))],
    ["scalars", [2n ** 60n, 0.5, true, 7]],
  ])("sends %s", async (name, received) => {
    expect(await worker.call("numpy_values:make", name)).toEqual(received);
  });

  it.each([
    ["a date", "numpy.datetime64; return item() of it"],
    ["a complex number", "numpy.complex128; return item() of it"],
    ["float16", "numpy.ndarray: its elements are of the type 'e'; return them as one of bool, int8"],
    ["big-endian", "numpy.ndarray: its elements are of the type '>f'"],
    ["objects", "numpy.ndarray: its elements are of the type 'O'"],
    ["dates", "numpy.ndarray that has no plain memory"],
    ["texts", "numpy.ndarray: its elements are of the type '1w'"],
    ["records", "numpy.ndarray: its elements are of the type 'T{f:x:}'"],
  ])("does not send %s, and says where it is and what to do", async (name, said) => {
    await expect(worker.call("numpy_values:make", name)).rejects.toThrow(
      new RegExp(`value\\[0\\].*${said.replaceAll(/[().{}]/g, "\\$&")}`),
    );
  });
});

describe("a worker whose environment has no numpy", () => {
  it("says which package a function misses", async () => {
    await using environment = await environmentWithout("numpy");
    await using worker = await WorkerClient.start({ python: environment.python });
    await expect(worker.call("numpy_values:make", "a matrix")).rejects.toThrow(/No module named 'numpy'/);
  }, 30_000);
});
