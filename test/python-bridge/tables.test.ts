import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  arrowTable,
  isArrowTable,
  jsonLinesCodec,
  msgpackCodec,
  toWire,
  type ArrowTable,
} from "@dspex/python-bridge";
import { tableFromArrays, tableFromIPC, tableToIPC, type Table } from "apache-arrow";
import { environmentWithout } from "../support/environment-without.ts";
import { crossed } from "./frames.ts";
import { WorkerClient } from "./worker-client.ts";

const numbers = (rows: number): Table =>
  tableFromArrays({ n: Float64Array.from({ length: rows }, (_, row) => row) });
const ipc = (table: Table): ArrowTable => arrowTable(tableToIPC(table));
const rowsOf = (received: unknown): unknown => {
  const rows = tableFromIPC((received as { table: ArrowTable }).table.ipc).toArray();
  return rows.map((row) => ({ ...(row as object) }));
};

describe("a table", () => {
  it.each([msgpackCodec, jsonLinesCodec])("crosses in $name as the IPC stream that it is", (codec) => {
    const table = ipc(numbers(3));
    const back = crossed(codec, toWire({ table })) as { table: ArrowTable };
    expect(isArrowTable(back.table)).toBe(true);
    expect(Buffer.from(back.table.ipc)).toEqual(Buffer.from(table.ipc));
  });

  it("is made of bytes alone, and apache-arrow's own is rejected with what to send", () => {
    const table = numbers(1);
    expect(() => arrowTable(table as unknown as Uint8Array)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
    );
    expect(() => toWire([table])).toThrow(/value\[0\].*arrowTable\(tableToIPC\(table\)\)/);
  });
});

describe.each(["msgpack", "json-lines"] as const)("pyarrow in a worker, over %s", (codec) => {
  let worker: WorkerClient;
  beforeAll(async () => {
    worker = await WorkerClient.start({ codec });
  }, 30_000);
  afterAll(() => worker[Symbol.asyncDispose]());

  it("is announced, and gets tables as its own", async () => {
    expect(worker.ready.capabilities).toContain("arrow");
    const table = tableFromArrays({ n: Int32Array.of(1, 2), name: ["a", null] });
    expect(await worker.call("arrow_tables:see", ipc(table))).toBe(
      "Table ['n', 'name'] [{'n': 1, 'name': 'a'}, {'n': 2, 'name': None}] of 2",
    );
    expect(await worker.call("arrow_tables:see", ipc(numbers(100_000)))).toBe(
      "Table ['n'] [{'n': 0.0}, {'n': 1.0}, {'n': 2.0}] of 100000",
    );
  });

  it("sends whatever Arrow knows as a table, and says what is none", async () => {
    const two = [
      { n: 1n, name: "a" },
      { n: 2n, name: null },
    ];
    expect(rowsOf(await worker.call("arrow_tables:make", "a table"))).toEqual(two);
    expect(rowsOf(await worker.call("arrow_tables:make", "a batch"))).toEqual(two);
    const large = rowsOf(await worker.call("arrow_tables:make", "a large table"));
    expect(large).toHaveLength(100_000);
    expect((large as object[]).at(-1)).toEqual({ n: 99_999n });
    await expect(worker.call("arrow_tables:make", "a column")).rejects.toThrow(
      /value\[0\].*ChunkedArray, and no table/,
    );
  });

  it("refuses the call whose table is none, and nothing else", async () => {
    await expect(worker.call("arrow_tables:see", arrowTable(Buffer.from("junk")))).rejects.toThrow(
      /invalid_input: a table is no Arrow IPC stream/,
    );
    const cut = tableToIPC(numbers(100)).subarray(0, 500);
    await expect(worker.call("arrow_tables:see", arrowTable(cut))).rejects.toThrow(
      /invalid_input: a table is no Arrow IPC stream/,
    );
    expect(await worker.call("wire_values:echo", 1)).toBe(1);
    expect(worker.ended).toBeUndefined();
  });
});

describe("a worker whose environment has no pyarrow", () => {
  it("gets and sends no tables, and both sides say what to install", async () => {
    await using environment = await environmentWithout("pyarrow");
    await using worker = await WorkerClient.start({ python: environment.python });
    expect(worker.ready.capabilities).not.toContain("arrow");
    expect(() => worker.begin("wire_values:see", [ipc(numbers(1))])).toThrow(
      expect.objectContaining({
        code: "ERR_NOT_SERIALIZABLE",
        message: expect.stringContaining("pyarrow"),
      }),
    );
    await expect(worker.call("wire_values:frame")).rejects.toThrow(/value\[0\].*install pyarrow/);
  }, 30_000);
});
