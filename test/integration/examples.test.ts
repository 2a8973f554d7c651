import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readdirSync } from "node:fs";
import path from "node:path";
import { createOfflineServer, type OfflineServer } from "../../packages/dspex/src/demo/offline-server.ts";
import { runExample } from "../support/example.ts";

/** Examples that end by themselves, and what they print. */
const examples: Readonly<Record<string, RegExp>> = {
  // The medians are approximate.
  "dataframes.ts":
    /^private 90000n 40500000 45\d\..*\nbusiness 10000n 9500000 9[45]\d\..*\nint32 \[ 2, 3 \] nearest: 42 4711\nfloat32 \[ 2, 3 \] similarity: 1\.00\n$/,
  "first-program.ts": /^shipping [\d.]+\n.*dspy\.worker-\d 1\n$/s,
  "inspect-actors.ts": /^application\n.*application\/resources\/pools\/dspy\/workers\/worker-1\n/s,
  "python-functions.ts":
    /^\[ \[ 'to', 2 \], \[ 'be', 2 \] \]\nERR_DEADLINE_EXCEEDED\n\[ 'Bestellung', 'Erstattung', 'tea' \]\n$/,
  "roll-out-new-code.ts": /^10\.00 EUR\nrefused: exited with status 78\n11\.90 EUR\n$/,
  "spawn-a-pipeline.ts": /run\.completed \n\{ category: 'shipping', orders: \[ '#?A-48213' \] \}\n.*-->/s,
  "stream-fields.ts": /^summary: .+\nanswer: .+\nsummary, answer in 1 request\n$/,
  "streaming-progress.ts": /^1 of 3 documents, 5 words\n2 of 3 .*\n3 of 3 documents, 12 words\n$/,
  "survive-a-crash.ts": /^again, attempt 2\ndone after 2 attempts\nSIGKILL\ndone\n$/,
  "talk-in-a-session.ts": /^.+\nWhere is my order A-48213\?\nAnd when will it be here\?\n$/,
  "tools-both-ways.ts": /^tea\n$/,
  "two-pools.ts": /^\[ \[ 'to', 2 \] \]\nthe batch pool has grown to 2\n8 pieces of work done\n$/,
};
/** Examples with a test of their own. */
const elsewhere = ["embed-in-a-service.ts", "supervise-a-machine.ts"];

describe("docs/examples", () => {
  let model: OfflineServer;
  beforeAll(async () => {
    model = await createOfflineServer();
  });
  afterAll(() => model.close());

  it("are all run", () => {
    const files = readdirSync(path.resolve(import.meta.dirname, "../../docs/examples")).filter((file) =>
      file.endsWith(".ts"),
    );
    expect([...Object.keys(examples), ...elsewhere].sort()).toEqual(files.sort());
  });

  it.each(Object.entries(examples))(
    "%s runs and prints what it says",
    async (file, printed) => {
      const { status, stdout, stderr } = await runExample(file, model);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout).toMatch(printed);
    },
    60_000,
  );
});
