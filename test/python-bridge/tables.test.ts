import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { arrowTable, isArrowTable, jsonLinesCodec, msgpackCodec, toWire } from "@dspex/python-bridge";
import { crossed } from "./frames.ts";
import { WorkerClient } from "./worker-client.ts";

const fixtures = path.join(import.meta.dirname, "fixtures");
const stream = (rows: number): Buffer => Buffer.concat([Buffer.from("ARROW"), Buffer.alloc(rows)]);

describe("a table", () => {
  it.each([msgpackCodec, jsonLinesCodec])("crosses in $name as the IPC stream that it is", (codec) => {
    const back = crossed(codec, toWire({ table: arrowTable(stream(3)) })) as { table: unknown };
    expect(isArrowTable(back.table)).toBe(true);
    expect(back).toEqual({ table: arrowTable(stream(3)) });
  });

  it("is made of bytes alone, and apache-arrow's own is rejected with what to send", () => {
    expect(() => arrowTable("ARROW" as unknown as Uint8Array)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_OPTION" }),
    );
    const table = new (class Table {
      schema = {};
      batches = [];
    })();
    expect(() => toWire([table])).toThrow(/value\[0\].*arrowTable\(tableToIPC\(table\)\)/);
  });
});

describe.each(["msgpack", "json-lines"] as const)(
  "a worker whose environment has pyarrow, over %s",
  (codec) => {
    let worker: WorkerClient;
    beforeAll(async () => {
      const paths = [fixtures, path.join(fixtures, "pyarrow_stand_in")];
      worker = await WorkerClient.start({ codec, paths });
    }, 30_000);
    afterAll(() => worker[Symbol.asyncDispose]());

    it("says so, and gets tables as pyarrow's", async () => {
      expect(worker.ready.capabilities).toContain("arrow");
      expect(await worker.call("wire_values:see", arrowTable(stream(3)))).toBe("Table of 3 rows");
      expect(await worker.call("wire_values:see", arrowTable(stream(100_000)))).toBe("Table of 100000 rows");
    });

    it("sends whatever Arrow knows as a table, and says what is none", async () => {
      expect(await worker.call("wire_values:table", 2)).toEqual({ table: arrowTable(stream(2)) });
      expect(await worker.call("wire_values:table", 100_000)).toEqual({ table: arrowTable(stream(100_000)) });
      await expect(worker.call("wire_values:series")).rejects.toThrow(/value\[0\].*Series, and no table/);
    });

    it("refuses the call whose table is none, and nothing else", async () => {
      await expect(worker.call("wire_values:see", arrowTable(Buffer.from("junk")))).rejects.toThrow(
        /invalid_input: a table is no Arrow IPC stream/,
      );
      expect(await worker.call("wire_values:echo", 1)).toBe(1);
      expect(worker.ended).toBeUndefined();
    });
  },
);

describe("a worker whose environment has no pyarrow", () => {
  it("gets and sends no tables, and both sides say what to install", async () => {
    await using worker = await WorkerClient.start();
    expect(worker.ready.capabilities).not.toContain("arrow");
    expect(() => worker.begin("wire_values:see", [arrowTable(stream(1))])).toThrow(
      expect.objectContaining({
        code: "ERR_NOT_SERIALIZABLE",
        message: expect.stringContaining("pyarrow"),
      }),
    );
    await expect(worker.call("wire_values:frame")).rejects.toThrow(/value\[0\].*install pyarrow/);
  }, 30_000);
});
