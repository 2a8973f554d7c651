import { describe, expect, it } from "@jest/globals";
import { createManualClock } from "@dspex/core";
import {
  createPool,
  createProcessLedger,
  readProcess,
  resolvePoolOptions,
  spawnProcess,
  type PoolOptions,
} from "@dspex/pool";
import { createRegistry, supervisor } from "@dspex/supervisors";
import { createTelemetryBus } from "@dspex/telemetry";

const resolve = (options: PoolOptions) => resolvePoolOptions("pools.dspy", options, () => "python3");

describe("the options of a pool", () => {
  it("take a size as a number or as bounds", () => {
    expect(resolve({}).size).toEqual({ min: 2, max: 2 });
    expect(resolve({ size: 3 }).size).toEqual({ min: 3, max: 3 });
    expect(resolve({ size: { min: 1, max: 4 } }).size).toEqual({ min: 1, max: 4 });
  });

  it.each([
    [{ size: 0 }, "pools.dspy.size must be a whole number of at least 1; received 0."],
    [{ size: { min: 0, max: 2 } }, "pools.dspy.size.min must be a whole number of at least 1; received 0."],
    [{ size: { min: 3, max: 2 } }, 'min is not above max; received {"min":3,"max":2}.'],
    [{ spares: -1 }, "pools.dspy.spares must be a whole number of at least 0; received -1."],
    [
      { startConcurrency: 0 },
      "pools.dspy.startConcurrency must be a whole number of at least 1; received 0.",
    ],
    [{ nice: 20 }, "pools.dspy.nice must be a whole number from 0 to 19; received 20."],
    [{ nice: -5 }, "pools.dspy.nice must be a whole number of at least 0; received -5."],
    [{ maxCalls: 0 }, "pools.dspy.maxCalls must be a whole number of at least 1; received 0."],
    [
      { inheritEnv: "HF_HOME" as never },
      'pools.dspy.inheritEnv must be a list of names; received "HF_HOME".',
    ],
  ])("reject %j by name", (options, message) => {
    expect(() => resolve(options)).toThrow(message);
  });

  it("allow one pool of a name", () => {
    const clock = createManualClock();
    const ports = {
      runId: "r",
      clock,
      random: Math.random,
      spawn: spawnProcess,
      readProcess,
      ledger: createProcessLedger(),
      telemetry: createTelemetryBus(clock),
      registry: createRegistry(),
      upcalls: {
        handle: () => Promise.resolve(null),
        stream: () => undefined,
        pythonErrorName: () => "LMUnexpectedError",
      },
    };
    const pools = [1, 2].map(() => createPool("dspy", resolve({}), ports).spec);
    expect(() => supervisor({ children: pools })).toThrow(
      expect.objectContaining({
        code: "ERR_INVALID_OPTION",
        details: { option: "children[1].id", received: "dspy" },
      }),
    );
  });
});
